"""Representation: what the blocks hold, as Gram matrices by which two models can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result


@dataclass(frozen=True, slots=True)
class Options:
    blocks: Annotated[tuple[int, ...], "which blocks; none named is all, 0 is the stem"] = ()
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Representation(Result):
    """Products of all pictures' features, block by block; features are a block's output, flat."""

    blocks: tuple[int, ...]
    gram: NDArray[np.float64]  # (blocks, n, n)
    images: tuple[str, ...]  # sha256 of each picture: two results compare where these are equal
    names: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"block": block, "pictures": len(self.names), "mean_squared_norm": float(gram.trace())}
            for block, gram in zip(self.blocks, self.gram / len(self.names), strict=True)
        ]
