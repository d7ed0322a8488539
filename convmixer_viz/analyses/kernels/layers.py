"""A model's layers as arrays: a block's kernels, and the scale of a batch norm."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import BatchNorm2d

from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import Block


def find_block(model: LoadedModel, number: int) -> Block:
    """The block of that number, from 1."""
    return list(model.module.walk())[number - 1]


def depthwise_kernels(block: Block) -> NDArray[np.float32]:
    """The kernels (dim, k, k) of a block."""
    return block.depthwise.weight[:, 0].float().cpu().contiguous().numpy()


def norm_scale(norm: BatchNorm2d) -> NDArray[np.float32]:
    """|γ|/√(σ²+ε) (dim,) of a batch norm."""
    variance = cast("Tensor", norm.running_var).double()  # every batch norm here keeps one
    scale = norm.weight.double().abs() / (variance + norm.eps).sqrt()
    return scale.float().cpu().numpy()
