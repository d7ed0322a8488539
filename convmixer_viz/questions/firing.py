"""Firing: where in many pictures one kernel answers most, and the windows there."""

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
    count: Annotated[int, "how many places to show, strongest first"] = 8
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ChoiceError(f"{self.count} places show nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Firing(Result):
    """The places where a kernel answers most, strongest first; no two windows of one picture
    overlap by more than half a side."""

    block: int
    channel: int
    pictures: tuple[str, ...]  # (places,)
    answers: NDArray[np.float32]  # (places,), the convolution with its bias, before activation
    tokens: NDArray[np.int64]  # (places, 2), row and column on the grid
    boxes: NDArray[np.int64]  # (places, 4), left, top, right, bottom of the kernel's window, px
    views: NDArray[np.uint8]  # (places, h, w, 3), what the model saw
    patches: NDArray[np.uint8]  # (places, k·p, k·p, 3), the window; grey beyond the picture
    field: int  # px: side of all that can reach the place, through the blocks before

    def rows(self) -> list[dict[str, Any]]:
        """A row a place."""
        return [
            {"picture": name, "answer": float(answer), "row": int(row), "column": int(column)}
            | dict(zip(("left", "top", "right", "bottom"), box.tolist(), strict=True))
            for name, answer, (row, column), box in zip(
                self.pictures, self.answers, self.tokens, self.boxes, strict=True
            )
        ]
