"""What a receptive field would be if signs were random: from the shape, and from the weights.

Energy walks from a token down the blocks: a share stays (the skip), a share spreads as the squares
of the block's kernels, and what leaves the grid is lost, as zero padding loses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

import lazy_loader as lazy
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from convmixer_viz.model import Block, ConvMixer
    from convmixer_viz.presets import Shape
else:
    torch = lazy.load("torch")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One block's step: the energy that stays, and the energy by kernel cell (k, k)."""

    stays: float
    spreads: Floats

    @property
    def variance(self) -> float:
        """Growth of σ² an axis in tokens²: a · Var, on an unbounded grid."""
        offsets = np.arange(len(self.spreads)) - (len(self.spreads) - 1) // 2
        both = offsets**2 @ self.spreads.sum(1) + offsets**2 @ self.spreads.sum(0)
        return float(both / (2 * (self.stays + self.spreads.sum())))


def null_walks(shape: Shape) -> list[Walk]:
    """Random signs, equal variances: a flat kernel, and an equal share for a skip."""
    k, stays = shape.kernel_size, 0.5 if shape.residual else 0.0
    return [Walk(stays, np.full((k, k), (1 - stays) / k**2))] * shape.depth


def weight_walks(module: ConvMixer) -> list[Walk]:
    """From the weights alone: v = mean over channels of γ²·w²/(σ²+ε)·E[act′(z)²] spreads, 1 stays,
    for z normal with mean b + β₀Σw and variance γ₀²Σw² (γ₀, β₀: the batch norm before)."""
    blocks = list(module.walk())
    before = [
        cast("nn.BatchNorm2d", module.stem[2]),
        *(block.pointwise_norm for block in blocks[:-1]),
    ]
    slope = _SLOPES[module.shape.activation]
    return [
        _share(float(block.spatial.residual), _energies(block, slope(*_normal(block, norm))))
        for block, norm in zip(blocks, before, strict=True)
    ]


def diffuse(walks: Sequence[Walk], start: Floats) -> Floats:
    """The energy (blocks + 1, H, W) that each block's output at `start` gets from every token,
    the stem's first."""
    rows = np.empty((0, *start.shape))
    for walk in reversed(walks):
        rows = np.concatenate([rows, start[None]])
        rows = walk.stays * rows + _spread(rows, walk.spreads)
    return np.concatenate([rows, start[None]])[::-1]


def _spread(rows: Floats, kernel: Floats) -> Floats:
    """What kernel cell u adds: output token j hands to input token j + u − (k − 1)//2."""
    k, (height, width) = len(kernel), rows.shape[1:]
    before = k // 2, (k - 1) // 2
    padded = np.pad(rows, ((0, 0), before, before))
    spread = np.zeros_like(rows)
    for (r, c), share in np.ndenumerate(kernel[::-1, ::-1]):
        spread += share * padded[:, r : r + height, c : c + width]
    return spread


def _share(stays: float, spreads: Floats) -> Walk:
    whole = stays + spreads.sum()
    return Walk(stays / whole, spreads / whole)


def _normal(block: Block, before: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Mean and deviation (dim,) of what enters the depthwise activation."""
    kernels = block.depthwise.weight.double().cpu()
    gain, shift = before.weight.double().cpu(), before.bias.double().cpu()
    mean = cast("Tensor", block.depthwise.bias).double().cpu() + shift * kernels.sum((1, 2, 3))
    return mean, gain.abs() * kernels.square().sum((1, 2, 3)).sqrt() + 1e-12


def _energies(block: Block, slopes: Tensor) -> Floats:
    norm = block.depthwise_norm
    gain = norm.weight.double().square() / (cast("Tensor", norm.running_var).double() + norm.eps)
    kernels = block.depthwise.weight.double().cpu()[:, 0]
    energies = (gain.cpu() * slopes)[:, None, None] * kernels.square()
    return np.asarray(energies.mean(0))


def _relu_slope(mean: Tensor, deviation: Tensor) -> Tensor:
    """E[1(z > 0)] = Φ(mean / deviation)."""
    slope: Tensor = torch.special.ndtr(mean / deviation)
    return slope


def _gelu_slope(mean: Tensor, deviation: Tensor) -> Tensor:
    """E[(Φ(z) + zφ(z))²] by Gauss–Hermite quadrature."""
    nodes, weights = _hermite()
    points = mean[:, None] + deviation[:, None] * torch.from_numpy(nodes)
    density = torch.exp(-points.square() / 2) / np.sqrt(2 * np.pi)
    slopes = (1 + torch.erf(points / np.sqrt(2))) / 2 + points * density
    mean_square: Tensor = slopes.square() @ torch.from_numpy(weights / weights.sum())
    return mean_square


@cache
def _hermite() -> tuple[Floats, Floats]:
    return np.polynomial.hermite_e.hermegauss(64)


_SLOPES = {"relu": _relu_slope, "gelu": _gelu_slope}
