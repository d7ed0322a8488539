"""The receptive field that random signs would give: from the shape, and from the weights.

Energy walks from a token down the blocks: a share stays (the skip), a share spreads as the squares
of the block's kernels, and what leaves the grid is lost, as zero padding loses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import lazy_loader as lazy
import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from convmixer_viz.model.convmixer import Block, ConvMixer
from convmixer_viz.presets.table import Shape

scipy: Any = lazy.load("scipy")


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WalkStep:
    """One block's step: the energy that stays, and the energy by kernel cell (k, k)."""

    stays: float
    spreads: Floats


def null_model(shape: Shape) -> list[WalkStep]:
    """Random signs, equal variances: a flat kernel, and an equal share for a skip."""
    k, stays = shape.kernel_size, [0.5 if skips else 0.0 for skips in shape.residuals]
    return [WalkStep(share, np.full((k, k), (1 - share) / k**2)) for share in stays]


def weights_model(module: ConvMixer) -> list[WalkStep]:
    """From the weights alone: v = mean over channels of γ²·w²/(σ²+ε)·E[act′(z)²] spreads, 1 stays,
    for z normal with mean b + β₀Σw and variance γ₀²Σw² (γ₀, β₀: the batch norm before)."""
    blocks = list(module.walk())
    before = [
        cast("nn.BatchNorm2d", module.stem[2]),
        *(block.pointwise_norm for block in blocks[:-1]),
    ]
    slope = _SLOPES[module.shape.activation]
    return [
        _scaled(
            float(block.spatial.residual), _energies(block, slope(*_activation_input(block, norm)))
        )
        for block, norm in zip(blocks, before, strict=True)
    ]


def diffuse(steps: Sequence[WalkStep], start: Floats, blocks: Sequence[int]) -> Floats:
    """The energy (blocks, H, W) that each named block's output at `start` gets from every token,
    the shallowest first; 0 is the stem."""
    energies = np.empty((0, *start.shape))
    for number in range(max(blocks), -1, -1):
        if number in blocks:
            energies = np.concatenate([energies, start[None]])
        if number:
            step = steps[number - 1]
            energies = step.stays * energies + _spread(energies, step.spreads)
    return energies[::-1]


def _spread(energies: Floats, kernel: Floats) -> Floats:
    """What kernel cell u adds: output token j hands to input token j + u − (k − 1)//2."""
    k, (height, width) = len(kernel), energies.shape[1:]
    before = k // 2, (k - 1) // 2
    padded = np.pad(energies, ((0, 0), before, before))
    spread = np.zeros_like(energies)
    for (r, c), share in np.ndenumerate(kernel[::-1, ::-1]):
        spread += share * padded[:, r : r + height, c : c + width]
    return spread


def _scaled(stays: float, spreads: Floats) -> WalkStep:
    whole = stays + spreads.sum()
    return WalkStep(stays / whole, spreads / whole)


def _activation_input(block: Block, before: nn.BatchNorm2d) -> tuple[Floats, Floats]:
    """Mean and deviation (dim,) of what enters the depthwise activation."""
    kernels, bias = _array(block.depthwise.weight), _array(cast("Tensor", block.depthwise.bias))
    mean = bias + _array(before.bias) * kernels.sum((1, 2, 3))
    return mean, abs(_array(before.weight)) * np.sqrt((kernels**2).sum((1, 2, 3))) + 1e-12


def _energies(block: Block, slopes: Floats) -> Floats:
    norm = block.depthwise_norm
    gain = _array(norm.weight) ** 2 / (_array(cast("Tensor", norm.running_var)) + norm.eps)
    kernels = _array(block.depthwise.weight)[:, 0]
    energies: Floats = ((gain * slopes)[:, None, None] * kernels**2).mean(0)
    return energies


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().double().cpu())


def _relu_slope(mean: Floats, deviation: Floats) -> Floats:
    """E[1(z > 0)] = Φ(mean / deviation)."""
    return _normal_cdf(mean / deviation)


def _gelu_slope(mean: Floats, deviation: Floats) -> Floats:
    """E[(Φ(z) + zφ(z))²], term by term: φ times a normal density is a narrower normal density,
    and E[Φ(z)²] is the chance that two correlated normal numbers are both below a bound."""
    variance = deviation**2
    whole = 1 + variance
    bound = mean / np.sqrt(whole)
    squared = _normal_cdf(bound) - 2 * scipy.special.owens_t(bound, 1 / np.sqrt(1 + 2 * variance))
    middle, width = mean / whole, variance / whole  # of z's density times φ
    edge = np.sqrt(1 + width)
    mixed = middle * _normal_cdf(middle / edge) + width / edge * _normal_density(middle / edge)
    double = 0.5 + variance
    middle, width = mean / 2 / double, variance / 2 / double  # of z's density times φ²
    last = _normal_density(mean / np.sqrt(double)) / np.sqrt(double) * (middle**2 + width)
    slope: Floats = (
        squared + 2 * _normal_density(bound) / np.sqrt(whole) * mixed + last / (2 * _ROOT_PI)
    )
    return slope


def _normal_cdf(x: Floats) -> Floats:
    area: Floats = scipy.special.ndtr(x)
    return area


def _normal_density(x: Floats) -> Floats:
    density: Floats = np.exp(-(x**2) / 2) / (np.sqrt(2) * _ROOT_PI)
    return density


_ROOT_PI = np.sqrt(np.pi)
_SLOPES = {"relu": _relu_slope, "gelu": _gelu_slope}
