"""Layers for training, equal to torch's: on a CPU with the costly steps compiled, and batch norm
over all processes of a run.

The costly steps are the depthwise weight gradient, which costs torch 4 to 14 times as much (in
bfloat16 most of a training step), and GELU, whose slope is kept instead of computed anew from
another erf.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convmixer_viz.engine import distributed
from convmixer_viz.model.convmixer import ConvMixer


def compiler() -> bool:
    """Whether a C++ compiler is at hand: without one these layers are slower than torch's own."""
    return any(map(shutil.which, ("g++", "clang++", "c++")))


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """One loop over the memory for all that the function does."""
    return torch.compile(function, dynamic=False)


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
        to_weight = _compiled(shifted_products)(padded, g.permute(0, 2, 3, 1), k)  # (k·k, dim)
        return to_input, to_weight.T.reshape(weight.shape).to(weight.dtype), g.sum((0, 2, 3))


class Depthwise(nn.Conv2d):
    """nn.Conv2d for odd kernels, one a channel, with the gradient above."""

    def forward(self, x: Tensor) -> Tensor:
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        assert self.bias is not None
        cast = (x.to(dtype), self.weight.to(dtype), self.bias.to(dtype))
        return _Convolution.apply(*cast)  # type: ignore[no-any-return]


def gelu_and_slope(x: Tensor) -> tuple[Tensor, Tensor]:
    """x·Φ(x) and Φ(x) + x·φ(x), to 5e-7: the normal distribution's upper tail by Abramowitz and
    Stegun 7.1.26, which needs one exponential, that of the density φ."""
    f = x.float()
    bell = torch.exp(-0.5 * f * f)
    t = 1 / (1 + 0.23164189 * f.abs())
    c = (0.127414796, -0.142248368, 0.710706871, -0.726576014, 0.530702715)  # theirs, halved
    tail = bell * t * (c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * c[4]))))
    share = torch.where(f < 0, tail, 1 - tail)
    return (f * share).to(x.dtype), (share + 0.39894228 * f * bell).to(x.dtype)


class _Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y, slope = _compiled(gelu_and_slope)(x.detach())
        ctx.save_for_backward(slope)
        return y  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope  # type: ignore[no-any-return]


class Gelu(nn.GELU):
    """nn.GELU that in training computes value and slope in one go."""

    def forward(self, x: Tensor) -> Tensor:
        return _Gelu.apply(x) if self.training else super().forward(x)


def replace(model: ConvMixer) -> ConvMixer:
    """Put these layers in place of a model's own; parameters and their names stay the same."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.GELU:
                module.add_module(name, Gelu())
    for block in model.walk():
        old = block.depthwise
        new = Depthwise(len(old.weight), len(old.weight), old.weight.shape[-1], groups=old.groups)
        new.weight, new.bias = old.weight, old.bias
        block.spatial.fn[0] = new
    return model


class _SharedNorm(torch.autograd.Function):
    """(x − μ) / √(σ² + ε) · γ + β, with μ and σ² of the rows of all processes: they add up count,
    Σx and Σx², and on the way back Σg and Σg·x̂."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, shift: Tensor, norm: SharedNorm) -> Tensor:
        values = x.float()
        count = torch.full_like(norm.running_mean, values[:, 0].numel(), dtype=torch.float64)
        sums = torch.stack([_over_grid(values), _over_grid(values * values), count])
        total, squares, count = distributed.add_up(sums)
        mean = total / count
        variance = squares / count - mean * mean
        norm.follow(mean, variance * count / (count - 1))
        scale = (variance + norm.eps).rsqrt().float()
        unit = (values - _as_channels(mean.float())) * _as_channels(scale)
        ctx.save_for_backward(unit, scale, gain)
        ctx.count = count.float()
        return (unit * _as_channels(gain) + _as_channels(shift)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        unit, scale, gain = ctx.saved_tensors
        g = gradients[0].float()
        own = torch.stack([_over_grid(g * unit), _over_grid(g)])
        to_gain, to_shift = own.to(gain.dtype, copy=True)
        along, level = (distributed.add_up(own).float() / ctx.count).split(1)
        rest = g - _as_channels(level[0]) - unit * _as_channels(along[0])
        to_input = rest * _as_channels(gain * scale)
        return to_input.to(gradients[0].dtype), to_gain, to_shift, None


def _over_grid(x: Tensor) -> Tensor:
    """(n, dim, h, w) → (dim,), summed in float64 over pictures."""
    return x.sum((2, 3)).sum(0, dtype=torch.float64)


def _as_channels(values: Tensor) -> Tensor:
    """(dim,) → (dim, 1, 1)."""
    return values[:, None, None]


class SharedNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d whose statistics in training are those of all joined processes' rows; torch's
    SyncBatchNorm takes no tensors of a CPU."""

    running_mean: Tensor
    running_var: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        return _SharedNorm.apply(x, self.weight, self.bias, self)  # type: ignore[no-any-return]

    def follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of one step."""
        assert self.momentum is not None and self.num_batches_tracked is not None
        self.running_mean.lerp_(mean.float(), self.momentum)
        self.running_var.lerp_(variance.float(), self.momentum)
        self.num_batches_tracked += 1


def share_norms(model: ConvMixer) -> ConvMixer:
    """Put SharedNorm in place of every batch norm; tensors and their names stay the same."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm2d:
                shared = SharedNorm(child.num_features, child.eps, child.momentum)
                shared.load_state_dict(child.state_dict())
                module.add_module(name, shared)
    return model
