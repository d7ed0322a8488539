"""A picture as a preset sees it, a cell a token: tokens are taken away, a region is dragged."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.figures import style
from convmixer_viz.figures.sheet import Band, Region, Sheet

View = NDArray[np.uint8]  # (h, w, 3), cut to whole patches


def token_sheet(view: View, across: int, removed: Collection[int]) -> Sheet:
    """A click takes a token away, or brings it back."""
    count = _count(view, across)
    texts = tuple(_place(n, across) + ", removed" * (n in removed) for n in range(count))
    return _overlay(view, across, "Tokens to take away", texts)


def region_sheet(view: View, across: int, region: Region, label: str) -> Sheet:
    """A region of the view to be dragged; it can be where all of it has room."""
    texts = tuple(f"from {_place(n, across)}" for n in range(_count(view, across)))
    return _overlay(view, across, label, texts, region)


def cut(view: View, across: int, corner: int, size: tuple[int, int]) -> bytes:
    """The part of a view that a region of rows × columns tokens shows."""
    side = view.shape[1] // across
    (row, column), (rows, columns) = divmod(corner, across), size
    down = view[row * side : (row + rows) * side]
    return style.png(down[:, column * side : (column + columns) * side])


def _overlay(
    view: View, across: int, label: str, texts: tuple[str, ...], region: Region | None = None
) -> Sheet:
    rows, columns = (region.rows, region.columns) if region else (1, 1)
    down = len(texts) // across
    values = tuple(
        (n,) if n // across + rows <= down and n % across + columns <= across else None
        for n in range(len(texts))
    )
    band = Band(texts, png=style.png(view), across=across)
    return Sheet("overlay", label, (band,), values, region=region)


def _count(view: View, across: int) -> int:
    side = view.shape[1] // across
    return int(across * (view.shape[0] // side))


def _place(number: int, across: int) -> str:
    return f"token {number}: row {number // across}, column {number % across}"
