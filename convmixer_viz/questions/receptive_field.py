"""Receptive field: how far each block really sees, measured, not derived from the shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Shape

Reduction = Literal["absolute", "square", "relu"]


Scalar = Literal["sum", "relu", "signs", "channel"]


@dataclass(frozen=True, slots=True)
class Options:
    scalar: Annotated[
        Scalar, "what of the token is differentiated: sum of channels, of ReLU, random signs, one"
    ] = "sum"
    channel: Annotated[int, "the channel of --scalar channel"] = 0
    reduction: Annotated[Reduction, "how a gradient becomes a field: over colours, a picture"] = (
        "absolute"
    )
    token: Annotated[tuple[int, int] | None, "row and column; none is the centre"] = None
    central: Annotated[bool, "mean of the grid's central tokens: four of an even grid"] = False
    blocks: Annotated[tuple[int, ...], "which blocks; none named is all, 0 is the stem"] = ()
    noise: Annotated[int, "measure on so many pictures of N(0, 1) instead; 0 is the pictures"] = 0
    resolution: Annotated[int | None, "side in pixels; none is the preset's wider one"] = None
    seed: Annotated[int, "of noise and of random signs"] = 0

    def passes(self, shape: Shape, side: int) -> int:
        """Ways back, each picture a way from each block: cost is in proportion."""
        return (len(self.blocks) or shape.depth + 1) * max(1, self.noise)

    def __post_init__(self) -> None:
        if self.noise < 0 or self.channel < 0:
            raise ChoiceError("noise and channel count from 0: choose 0 or more.")
        if self.token is not None and len(self.token) != 2:
            raise ChoiceError("A token is two numbers, its row and its column: for example 3,4.")
        if self.token is not None and self.central:
            raise ChoiceError("Choose one token or the central ones, not both.")

    @property
    def unread(self) -> frozenset[str]:
        """The options that the scalar doesn't read: a request takes their defaults."""
        drawn = self.noise or self.scalar == "signs"
        channel = frozenset() if self.scalar == "channel" else frozenset({"channel"})
        return channel if drawn else channel | {"seed"}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReceptiveField(Result):
    """Fields of some blocks, and their numbers; σ is of the token grid, in pixels, so that the
    stem's is 0. Sizes in pixels of the prepared picture."""

    blocks: tuple[int, ...]
    pixels: NDArray[np.float32]  # (blocks, h, w), mean over pictures
    tokens: NDArray[np.float32]  # (blocks, H, W), pixels summed by token
    spread: NDArray[np.float32]  # (blocks, H, W), standard deviation over pictures
    square: NDArray[np.float32]  # (blocks, H, W), the square reduction, whose σ the models predict
    sigma: NDArray[np.float64]  # (blocks,), by moments, of the chosen reduction
    sigma_square: NDArray[np.float64]  # (blocks,), of the square reduction
    sigma_spread: NDArray[np.float64]  # (blocks,), deviation over pictures of the latter
    sigma_fit: NDArray[np.float64]  # (blocks,), of the best round Gaussian
    fit_r2: NDArray[np.float64]  # (blocks,)
    moments: NDArray[np.float64]  # (blocks, 2, 2), px², down first
    radius: NDArray[np.float64]  # (blocks, 2), holds 50 and 90 % of the mass
    ratio: NDArray[np.float64]  # (blocks, 4), area of the square holding 20, 30, 50, 99 %
    ratio_log: NDArray[np.float64]  # (blocks, 4), RepLKNet's, of log10(P + 1)
    scale: NDArray[np.float64]  # (blocks,), the field's maximum, on which ratio_log depends
    theoretical: NDArray[np.float64]  # (blocks,), side in px
    share: NDArray[np.float64]  # (blocks,), of the theoretical field that holds 99 %
    border: NDArray[np.float64]  # (blocks,), share of the mass in the outermost ring of tokens
    touches: NDArray[np.bool_]  # (blocks,), whether the picture cuts the field
    null: NDArray[np.float64]  # (blocks,), σ by random signs, square reduction, on this grid
    weights_only: NDArray[np.float64]  # (blocks,), σ from the weights, likewise
    growth: float | None  # e in σ ∝ block^e, square reduction, where the border is not touched
    view: NDArray[np.uint8]  # (h, w, 3), the first picture as prepared
    box: tuple[float, float, float, float]  # of the view in the first picture
    seeds: NDArray[np.int64]  # (tokens, 2), rows and columns of the tokens differentiated
    centre: tuple[float, float]  # of them in px from the upper left edge, down first
    patch_size: int
    pictures: int
    scalar: str
    reduction: str
