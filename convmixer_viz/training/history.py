"""The history of a run: depthwise kernels and patch embedding at chosen epochs, float16."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets.table import Shape

BUDGET = 2_400_000  # bytes of tensors in one history file


def chosen(epochs: int, shape: Shape) -> tuple[int, ...]:
    """The epochs to keep, 0 = initialisation: all where they fit, else dense at first and then at
    growing distances, the last one always there."""
    kernels = shape.depth * shape.dim * shape.kernel_size**2
    size = 2 * (kernels + 3 * shape.dim * shape.patch_size**2)
    room = max(2, BUDGET // size)
    if epochs < room:
        return tuple(range(epochs + 1))
    growth = 1.0
    while len(kept := _geometric(epochs, growth)) > room:
        growth *= 1.01
    return kept


def _geometric(epochs: int, growth: float) -> tuple[int, ...]:
    """0, 1 and on by the factor, at least by one; then the last."""
    kept, at = [0], 1
    while at < epochs:
        kept.append(at)
        at = max(at + 1, math.ceil(at * growth))
    return (*kept, epochs)


def snapshot(model: ConvMixer) -> dict[str, Tensor]:
    """This moment: stem (dim, 3, p, p) and depthwise (depth, dim, k, k), float16 on the CPU."""
    depthwise = torch.stack([block.depthwise.weight[:, 0] for block in model.walk()])
    taken = {"stem": model.patch_embedding.weight, "depthwise": depthwise}
    return {name: t.detach().to("cpu", torch.float16).contiguous() for name, t in taken.items()}


def stacked(moments: dict[int, dict[str, Tensor]]) -> dict[str, Tensor]:
    """All moments: stem (epochs, dim, 3, p, p), depthwise (epochs, depth, dim, k, k), epochs."""
    names = ("stem", "depthwise")
    tensors = {name: torch.stack([m[name] for m in moments.values()]) for name in names}
    return {**tensors, "epochs": torch.tensor(list(moments))}
