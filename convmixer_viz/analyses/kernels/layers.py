"""A model's layers as arrays: a block's kernels, and the scale of a batch norm."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import BatchNorm2d

from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.model.convmixer import Block


def find_block(model: LoadedModel, number: int) -> Block:
    """The block of that number, from 1."""
    depth = model.preset.shape.depth
    if not 1 <= number <= depth:
        raise ChoiceError(f"{model.preset.name} has no block {number}: choose 1 to {depth}.")
    return list(model.module.walk())[number - 1]


def check_channel(model: LoadedModel, channel: int) -> None:
    """Channels count from 0."""
    last = model.preset.shape.dim - 1
    if not 0 <= channel <= last:
        raise ChoiceError(f"{model.preset.name} has no channel {channel}: choose 0 to {last}.")


def depthwise_kernels(block: Block) -> NDArray[np.float32]:
    """The kernels (dim, k, k) of a block."""
    return block.depthwise.weight[:, 0].float().cpu().contiguous().numpy()


def norm_scale(norm: BatchNorm2d) -> NDArray[np.float32]:
    """|γ|/√(σ²+ε) (dim,) of a batch norm."""
    variance = cast("Tensor", norm.running_var).double()  # every batch norm here keeps one
    scale = norm.weight.double().abs() / (variance + norm.eps).sqrt()
    return scale.float().cpu().numpy()
