"""Token: one token's way through the stem and one block, number by number, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError


@dataclass(frozen=True, slots=True)
class Options:
    FIRST_BLOCK = 1  # the stem, block 0, is told of before it
    block: Annotated[int, "the block that it goes through, from 1"] = 1
    channel: Annotated[int, "the channel that is followed, from 0"] = 0
    token: Annotated[tuple[int, int] | None, "row and column; none is the centre"] = None
    strongest: Annotated[int, "how many of the largest products of a sum to list"] = 8
    target: Annotated[str | None, "class to explain, name or index; none is the predicted"] = None
    against: Annotated[str | None, "class that it is explained rather than"] = None
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) != 2:
            raise ChoiceError("A token is two numbers, its row and its column: for example 3,4.")
        if self.strongest < 1:
            raise ChoiceError(f"{self.strongest} products list nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TokenSteps(Result):
    """Each value is the model's own; sums are Σ of what stands before them, in float64 ±1e-6."""

    picture: str
    block: int
    channel: int
    token: tuple[int, int]
    # the stem: patch · filter + bias, activation, batch norm
    patch: NDArray[np.float32]  # (3, p, p), normalised pixels
    filter: NDArray[np.float32]  # (3, p, p)
    stem: NDArray[np.float64]  # (4,): bias, sum, after the activation, after batch norm
    # in space: neighbourhood · kernel + bias, activation, batch norm, plus the residual
    neighbourhood: NDArray[np.float32]  # (k, k) of the channel in the block's input; 0 outside
    kernel: NDArray[np.float32]  # (k, k)
    spatial: NDArray[np.float64]  # (4,), as of the stem
    norm: NDArray[np.float64]  # (4,) of the batch norm in space: mean, variance + ε, γ, β
    residual: float | None  # the block's input at the token; none where there is no residual
    mixed: float  # with the residual
    # across channels: Σ weight · value + bias, activation, batch norm
    inputs: NDArray[np.int64]  # (n,), channels with the largest products first
    weights: NDArray[np.float64]  # (n,)
    values: NDArray[np.float64]  # (n,), of the token after the step in space
    rest: float  # Σ of all other products
    pointwise: NDArray[np.float64]  # (4,), as of the stem; the last is the block's output
    # at the end: Σ head weight · value / tokens
    says: NDArray[np.int64]  # (n,), channels of the last block's token, largest products first
    head_weights: NDArray[np.float64]  # (n,)
    head_values: NDArray[np.float64]  # (n,)
    head_rest: float  # evidence of all other channels
    evidence: float  # of the token, in logit
    logit: float
    target_name: str
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    box: tuple[float, float, float, float]  # of the view in the picture, px
    patch_size: int
    grid: tuple[int, int]

    def rows(self) -> list[dict[str, Any]]:
        """A line a step, in order."""
        place = {"block": self.block, "channel": self.channel, "token": "{},{}".format(*self.token)}
        values = {
            "patch × filter + bias": self.stem[1],
            "stem": self.stem[3],
            "neighbourhood × kernel + bias": self.spatial[1],
            "activation": self.spatial[2],
            "batch norm": self.spatial[3],
            "with the residual": self.mixed,
            "across channels": self.pointwise[1],
            "block": self.pointwise[3],
            f"evidence for {self.target_name}": self.evidence,
        }
        return [place | {"step": step, "value": float(value)} for step, value in values.items()]
