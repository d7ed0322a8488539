"""Kernel: one kernel's numbers, spectrum, template, neighbours and response to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError


@dataclass(frozen=True, slots=True)
class Options:
    FIRST_BLOCK = 1  # the stem, block 0, has no depthwise kernels
    block: Annotated[int, "the kernel's block, from 1"] = 1
    channel: Annotated[int, "the kernel's channel, from 0"] = 0
    neighbours: Annotated[int, "how many of its strongest inputs and outputs to list"] = 8
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ChoiceError(f"{self.neighbours} neighbours list nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Kernel(Result):
    """One depthwise kernel; statistics in the order of `statistics`, lengths in tokens."""

    block: int
    channel: int
    weights: NDArray[np.float32]  # (k, k)
    bias: float
    statistics: tuple[str, ...]
    values: NDArray[np.float64]  # (statistics,)
    class_name: str
    best_name: str  # the best template's class, also where it is no better than chance
    threshold: float  # R² that 1 % of random kernels exceed
    template: NDArray[np.float32]  # (k, k), the best template, scaled to the kernel
    rest: NDArray[np.float32]  # (k, k), what the template leaves
    power: NDArray[np.float32]  # (33, 33) spectrum, zero frequency in the middle
    radial: NDArray[np.float32]  # (17,), mean power at 0, 1/33, … 16/33 cycles per token
    norm_scale: float  # |γ|/√(σ²+ε) of the batch norm that follows
    norm_sign: float
    inputs: NDArray[np.int64]  # (n,), channels of the block before, strongest first; none at 1
    input_weights: NDArray[np.float32]  # (n,), their pointwise weights into this channel
    input_kernels: NDArray[np.float32]  # (n, k, k)
    patch_filter: NDArray[np.float32]  # (3, p, p), what feeds block 1; (0, p, p) elsewhere
    outputs: NDArray[np.int64]  # (n,), channels of the block's own output, strongest first
    output_weights: NDArray[np.float32]  # (n,), this channel's pointwise weights into them
    output_kernels: NDArray[np.float32]  # (n, k, k) of the next block; none at the last
    response: NDArray[np.float32]  # (H, W) in tokens: the convolution with its bias, before act
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    picture: str

    def rows(self) -> list[dict[str, Any]]:
        """One row: its numbers."""
        numbers = dict(zip(self.statistics, self.values.tolist(), strict=True))
        return [{"block": self.block, "channel": self.channel, "class": self.class_name} | numbers]
