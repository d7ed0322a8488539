"""A sheet: pictures and the words of their cells, as the page's clickable canvas takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Value = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """One row of a strip, or the whole of a grid; a cell shows its tile, or a caption and a bar."""

    texts: tuple[str, ...]  # what a cell says on hover and to a screen reader; "" = empty place
    empty: str = ""  # what would stand in an empty place
    name: str = ""  # stands on the left of a strip
    png: bytes = b""  # tiles from left to right, then down
    tile: tuple[int, int] = (1, 1)  # width, height in the PNG, without the gutter
    gutter: int = 0
    across: int = 1  # tiles in one row of the PNG
    smooth: bool = False  # a photograph is enlarged smoothly, numbers are not
    captions: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()  # length of the bar under a caption, 0 … 1


@dataclass(frozen=True, slots=True)
class Sheet:
    """Bands over common columns (strip), tiles that wrap (grid) or cells on a picture (overlay)."""

    layout: Literal["strip", "grid", "overlay"]
    label: str  # what the whole is, for a screen reader
    bands: tuple[Band, ...]
    values: tuple[Value | None, ...]  # what a click on a column (or cell) picks; None: nothing
    heads: tuple[str, ...] = ()  # words above the columns of a strip


def mosaic(
    tiles: NDArray[np.floating[Any]], across: int, gutter: int = 1
) -> NDArray[np.floating[Any]]:
    """Tiles (n, h, w) or (n, h, w, c) side by side in rows of `across`; gaps are not-a-number."""
    n, h, w = tiles.shape[:3]
    rows = -(-n // across)
    step_y, step_x = h + gutter, w + gutter
    whole = np.full((rows * step_y - gutter, across * step_x - gutter, *tiles.shape[3:]), np.nan)
    for i, tile in enumerate(tiles):
        y, x = step_y * (i // across), step_x * (i % across)
        whole[y : y + h, x : x + w] = tile
    return whole
