"""Pictures of a data set as small tiles to click on, and windows of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz.figures import style
from convmixer_viz.figures.sheet import Band, Sheet

Bytes = NDArray[np.uint8]
SIDE = 56  # px of a tile
ACROSS = 12  # tiles in a row of the PNG
COLORS = 128  # of the PNG: a page of tiles stays small
GREY = 128  # beside pictures that aren't square, and beyond their edges


def sheet(pictures: Sequence[Bytes], numbers: Sequence[int], texts: Sequence[str]) -> Sheet:
    """Pictures (h, w, 3) as tiles; a click picks the picture's number."""
    tiles = [_tile(pixels) for pixels in pictures]
    rows = -(-len(tiles) // ACROSS)
    whole = np.full((rows * SIDE, ACROSS * SIDE, 3), GREY, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = (SIDE * part for part in divmod(place, ACROSS))
        whole[top : top + SIDE, left : left + SIDE] = tile
    band = Band(
        tuple(texts),
        png=style.png(whole, colors=COLORS),
        tile=(SIDE, SIDE),
        across=ACROSS,
        smooth=True,
    )
    values = tuple((number,) for number in numbers)
    return Sheet("grid", "pictures of the data set", (band,), values)


def _tile(pixels: Bytes) -> Bytes:
    """The whole picture in a square, smooth where it gets smaller, crisp where it grows."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    square = Image.new("RGB", (SIDE, SIDE), (GREY, GREY, GREY))
    small = Image.fromarray(pixels).resize(size, how)
    square.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(square)


def window(view: Bytes, token: tuple[int, int], kernel_size: int, patch_size: int) -> Bytes:
    """The part of a view (h, w, 3) that a kernel sees at a token, grey beyond the picture."""
    k, p = kernel_size, patch_size
    top, left = ((place - (k - 1) // 2) * p for place in token)
    edge = k * p
    wide = np.pad(view, ((edge, edge), (edge, edge), (0, 0)), constant_values=GREY)
    cut: Bytes = wide[top + edge : top + 2 * edge, left + edge : left + 2 * edge]
    return cut
