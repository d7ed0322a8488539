"""Activations: what the blocks hold of a picture, and which channels answer most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError


@dataclass(frozen=True, slots=True)
class Options:
    block: Annotated[int | None, "block whose channels are shown; none is the last, 0 the stem"] = (
        None
    )
    channels: Annotated[int, "how many of its strongest channels"] = 12
    blocks: Annotated[tuple[int, ...], "blocks of the strip; none is all, 0 the stem's output"] = ()
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ChoiceError(f"{self.channels} channels show nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Activations(Result):
    """Tokens after each block, and one block's strongest channels."""

    picture: str
    blocks: NDArray[np.int64]  # (blocks,)
    components: NDArray[np.float32]  # (blocks, H, W, 3), RGB in 0 … 1; turned to the block before
    explained: NDArray[np.float32]  # (blocks, 3), share of the tokens' variance, largest first
    continuity: NDArray[np.float32]  # (blocks,), correlation of the colours with the block before
    block: int  # whose channels follow
    channels: NDArray[np.int64]  # (channels,), strongest first
    strength: NDArray[np.float32]  # (channels,), root mean square in the training set's σ
    channel_maps: NDArray[np.float32]  # (channels, H, W), the same unit, signed
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    box: tuple[float, float, float, float]  # of the view in the picture, px

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"block": self.block, "channel": int(channel), "strength": float(strength)}
            for channel, strength in zip(self.channels, self.strength, strict=True)
        ]
