"""Cost: what a preset takes, counted from its shape, and what a call takes on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Shape


@dataclass(frozen=True, slots=True)
class Options:
    calls: Annotated[int, "how many calls are timed, after two that warm up"] = 7
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise ChoiceError(f"calls {self.calls} measures nothing: choose 1 or more.")

    def passes(self, shape: Shape, side: int) -> int:
        """Calls of the model."""
        return 2 + self.calls


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cost(Result):
    """Counts are exact; seconds are of this machine, and differ from run to run."""

    parameters: int
    multiply_adds: int  # of one picture, all counted
    depthwise: float  # the depthwise convolutions' share of them
    batch: int  # pictures in a call
    call_seconds: NDArray[np.float64]  # (calls,)
    median_seconds: float  # of a call
    peak_bytes: int  # the weights, and what a call holds beside them at most
