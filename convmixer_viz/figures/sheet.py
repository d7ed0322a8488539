"""What a clickable picture is made of; the app's canvas draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Value = tuple[int, ...]  # what a click picks: (block,), (channel,), or (row, column) of a token


@dataclass(frozen=True, slots=True)
class Band:
    """A row of cells in a strip, or all cells of a grid or overlay. A cell shows a tile of the PNG,
    or a caption above a bar."""

    texts: tuple[str, ...]  # a text a cell, for hover and screen readers; "": an empty cell
    empty: str = ""  # the text of empty cells: what would be there
    name: str = ""  # of a strip's row, on its left
    png: bytes = b""  # tiles from left to right, then down
    tile: tuple[int, int] = (1, 1)  # width, height in the PNG, without the gutter
    gutter: int = 0  # px between tiles in the PNG
    across: int = 1  # tiles in one row of the PNG
    smooth: bool = False  # a photograph is enlarged smoothly, numbers are not
    captions: tuple[str, ...] = ()  # of cells without a tile
    shares: tuple[float, ...] = ()  # 0 … 1, length of the bar under each caption


@dataclass(frozen=True, slots=True)
class Region:
    """What is dragged over an overlay: a pick is where its upper left cell comes."""

    rows: int  # cells
    columns: int
    png: bytes = b""  # what it shows; nothing is a frame


@dataclass(frozen=True, slots=True)
class Sheet:
    """One clickable picture. Its layout: strip, bands below each other over common columns; grid,
    one band whose tiles wrap; overlay, one picture with a cell a token."""

    layout: Literal["strip", "grid", "overlay"]
    label: str  # what the whole is, for a screen reader
    bands: tuple[Band, ...]
    values: tuple[Value | None, ...]  # a value a column (strip) or cell; None can't be picked
    heads: tuple[str, ...] = ()  # above the columns of a strip
    region: Region | None = None  # of an overlay


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
