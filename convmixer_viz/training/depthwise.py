"""Depthwise convolution with a weight gradient of its own for CPUs: torch's costs 4 to 14 times as
much, and in bfloat16 most of a training step (equal to 4e-7 of the largest value)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convmixer_viz.model import ConvMixer


def shifted_products(padded: Tensor, gradient: Tensor, k: int) -> Tensor:
    """∂L/∂w[i, j] = Σ x[· + i, · + j] · g: (n, h + k − 1, w + k − 1, dim) and (n, h, w, dim) →
    (k·k, dim), accumulated in float32 over a picture's grid and then over the pictures."""
    h, w = gradient.shape[1:3]
    sums = [
        (padded[:, i : i + h, j : j + w] * gradient).sum((1, 2), dtype=torch.float32)
        for i in range(k)
        for j in range(k)
    ]
    return torch.stack(sums, 1).sum(0)


def compiler() -> bool:
    """Whether a C++ compiler is at hand: without one the sum above is slower than torch's own."""
    return any(map(shutil.which, ("g++", "clang++", "c++")))


@cache
def _products() -> Callable[[Tensor, Tensor, int], Tensor]:
    """All k·k sums in one compiled loop."""
    return torch.compile(shifted_products, dynamic=False)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        g, k = gradients[0].contiguous(memory_format=torch.channels_last), weight.shape[-1]
        p = k // 2
        to_input = F.conv2d(g, weight.flip(2, 3), padding=p, groups=len(weight))
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, p, p, p, p))
        to_weight = _products()(padded, g.permute(0, 2, 3, 1), k)  # (k·k, dim)
        return to_input, to_weight.T.reshape(weight.shape).to(weight.dtype), g.sum((0, 2, 3))


class Depthwise(nn.Conv2d):
    """nn.Conv2d for odd kernels, one a channel, with the gradient above."""

    def forward(self, x: Tensor) -> Tensor:
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        assert self.bias is not None
        cast = (x.to(dtype), self.weight.to(dtype), self.bias.to(dtype))
        return _Convolution.apply(*cast)  # type: ignore[no-any-return]


def replace(model: ConvMixer) -> ConvMixer:
    """Put Depthwise in place of every block's depthwise convolution; parameters stay the same."""
    for block in model.walk():
        old = block.depthwise
        new = Depthwise(len(old.weight), len(old.weight), old.weight.shape[-1], groups=old.groups)
        new.weight, new.bias = old.weight, old.bias
        block.spatial.fn[0] = new
    return model
