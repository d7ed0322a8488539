"""The gradients of a receptive field by hand: scalars of many blocks differentiated with respect to
the pixels in one backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import cast

import torch
from torch import Tensor, nn

from convmixer_viz.model.convmixer import Block, ConvMixer

Token = tuple[int, int]  # row and column on the grid
Window = tuple[int, int, int, int]  # top, bottom, left, right on the grid, ends excluded
OnWindow = tuple["Tensor", Window]  # gradients (seeds, dim, h, w), zero outside the window


@dataclass(frozen=True, slots=True)
class Trace:
    """One picture's forward pass: what the backward pass needs of it, kept once for all seeds."""

    gains: tuple[Tensor, ...]  # (1, dim, H, W): γ/√(σ²+ε) · act′(z): stem, then two a block
    states: tuple[Tensor, ...]  # (tokens, dim): the stem's and each block's output at the tokens


def trace(module: ConvMixer, pixels: Tensor, tokens: Sequence[Token], deepest: int) -> Trace:
    """Walk one picture (1, 3, h, w) in float32 or better to the deepest block, keeping gains."""
    pixels = pixels.to(torch.promote_types(pixels.dtype, torch.float32))
    rows, columns = zip(*tokens, strict=True)
    dtype = module.patch_embedding.weight.dtype
    x, gain = _layer(module.stem, pixels)
    gains, states = [gain.to(dtype)], [x[0, :, rows, columns].T]
    for block in islice(module.walk(), deepest):
        y, gain = _layer(block.spatial.fn, x)
        x, next_gain = _layer(list(block)[1:], y + x if block.spatial.residual else y)
        gains += [gain.to(dtype), next_gain.to(dtype)]
        states.append(x[0, :, rows, columns].T)
    return Trace(tuple(gains), tuple(states))


def pull_back(
    module: ConvMixer, traced: Trace, tokens: Sequence[Token], seeds: dict[int, Tensor]
) -> Tensor:
    """Gradients (seeds, 3, p·H, p·W) of the scalars Σ seed · output, one (tokens, dim) a block,
    deepest first: each starts on its tokens at its block and joins the older ones where it has
    spread over as much of the grid."""
    grid, start = traced.gains[0].shape[-2:], _around(tokens)
    batches: list[OnWindow] = []
    for number in range(max(seeds), -1, -1):
        if number in seeds:
            seed = _on_tokens(traced.gains[0], start, tokens, seeds[number])
            batches.append((seed, start))
        if number:
            block = cast("Block", module.blocks[number - 1])
            gains = traced.gains[2 * number - 1 : 2 * number + 1]
            batches = _joined(_through(block, gains, batches))
    stem = traced.gains[0]
    return torch.cat([_to_pixels(module, g * _crop(stem, w), w, grid) for g, w in batches])


def _joined(batches: Iterable[OnWindow]) -> list[OnWindow]:
    """Gradients on equal windows as one batch; the oldest first, whose windows are the largest."""
    groups = [(window, list(group)) for window, group in groupby(batches, key=itemgetter(1))]
    return [
        group[0] if len(group) == 1 else (torch.cat([gradients for gradients, _ in group]), window)
        for window, group in groups
    ]


def _layer(layers: Iterable[nn.Module], x: Tensor) -> tuple[Tensor, Tensor]:
    """Convolution, activation, batch norm: the output, and its derivative by the middle."""
    convolution, activation, norm = cast("tuple[nn.Conv2d, nn.Module, nn.BatchNorm2d]", layers)
    with torch.no_grad():
        z = torch.nn.functional.conv2d(
            x,
            *_exact(convolution),
            convolution.stride,
            convolution.padding,
            convolution.dilation,
            convolution.groups,
        )
    scale = norm.weight / torch.sqrt(cast("Tensor", norm.running_var) + norm.eps)
    activated = activation(z.requires_grad_())
    (gain,) = torch.autograd.grad(activated, z, scale.to(z.dtype)[:, None, None].expand_as(z))
    with torch.no_grad():
        return norm(activated.detach()), gain


def _exact(convolution: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weight and bias, unrounded where a fast model holds both: rounded ones flip the masks."""
    own = convolution.named_parameters()  # weight, then bias
    weight, bias = (getattr(convolution, f"exact_{name}", tensor) for name, tensor in own)
    return weight, bias


def _through(
    block: Block, gains: Sequence[Tensor], batches: Iterable[OnWindow]
) -> Iterator[OnWindow]:
    """From a block's output to its input; the windows grow by what its kernels reach."""
    first, second = gains
    kernels, reach = block.depthwise.weight.flip(2, 3), block.depthwise.kernel_size[0] // 2
    for gradients, window in batches:
        gradients = gradients * _crop(second, window)
        gradients = torch.nn.functional.conv_transpose2d(gradients, block.pointwise.weight)
        wider = _grow(window, reach, first.shape[-2:])
        branch = _pad(gradients * _crop(first, window), window, wider)
        height, width = branch.shape[-2:]
        branch = torch.nn.functional.conv2d(branch, kernels, padding=reach, groups=len(kernels))
        branch = branch[..., :height, :width]  # an even kernel leaves one more
        if block.spatial.residual:
            branch = branch + _pad(gradients, window, wider)
        yield branch, wider


def _to_pixels(module: ConvMixer, gradients: Tensor, window: Window, grid: Sequence[int]) -> Tensor:
    """Through the patch embedding: stride = kernel, so a token's pixels are its own."""
    p = module.shape.patch_size
    weight = module.patch_embedding.weight.flatten(1).T[:, :, None, None]  # (3·p², dim, 1, 1)
    patches = torch.nn.functional.conv2d(gradients, weight)
    pixels = torch.nn.functional.pixel_shuffle(patches, p)
    top, bottom, left, right = (p * edge for edge in window)
    missing = (left, p * grid[1] - right, top, p * grid[0] - bottom)
    return torch.nn.functional.pad(pixels, missing)


def _on_tokens(gain: Tensor, window: Window, tokens: Sequence[Token], seed: Tensor) -> Tensor:
    """The seed on its tokens, zero elsewhere on the window, in the gain's layout."""
    spread = torch.zeros_like(_crop(gain, window))
    for (r, c), values in zip(tokens, seed, strict=True):
        spread[0, :, r - window[0], c - window[2]] = values
    return spread


def _around(tokens: Sequence[Token]) -> Window:
    rows, columns = zip(*tokens, strict=True)
    return min(rows), max(rows) + 1, min(columns), max(columns) + 1


def _grow(window: Window, reach: int, grid: Sequence[int]) -> Window:
    top, bottom, left, right = window
    rows = max(0, top - reach), min(grid[0], bottom + reach)
    return *rows, max(0, left - reach), min(grid[1], right + reach)


def _crop(gain: Tensor, window: Window) -> Tensor:
    return gain[..., window[0] : window[1], window[2] : window[3]]


def _pad(gradients: Tensor, window: Window, wider: Window) -> Tensor:
    """Gradients on the window laid on the wider one, zero between."""
    if window == wider:
        return gradients
    sides = (window[2] - wider[2], wider[3] - window[3], window[0] - wider[0], wider[1] - window[1])
    return torch.nn.functional.pad(gradients, sides)
