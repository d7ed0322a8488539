"""Receptive fields as sheets to click: a strip of blocks, the tokens of the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.receptive_field import sentences
from convmixer_viz.figures.receptive_field.fields import GAMMA
from convmixer_viz.figures.sheet import Band, Sheet
from convmixer_viz.figures.strip import veil
from convmixer_viz.questions.receptive_field import ReceptiveField

Floats = NDArray[np.floating[Any]]

TILE = 64  # px of a field in the strip
SHADES = 200  # of a picture with its field


def token_view_png(result: ReceptiveField, block: int) -> bytes:
    """The picture as the token sees it: clear where the field is strong, veiled elsewhere; PNG."""
    field = _smoothed(result, result.blocks.index(block))
    return style.png(veil(result.view, field), colors=SHADES)


def token_picker(result: ReceptiveField, block: int) -> Sheet:
    """The same picture as a sheet of tokens: a click picks the row and column of one."""
    rows, columns = result.tokens.shape[1:]
    p = result.patch_size
    veiled = veil(result.view, _smoothed(result, result.blocks.index(block)))
    png = style.png(veiled[: p * rows, : p * columns], colors=SHADES)
    texts = tuple(f"token {r}, {c}" for r in range(rows) for c in range(columns))
    band = Band(texts, png=png, tile=(p * columns, p * rows), across=columns, smooth=True)
    values = tuple((r, c) for r in range(rows) for c in range(columns))
    label = f"Tokens of the picture, {rows} rows of {columns}; arrow keys move the token"
    return Sheet("overlay", label, (band,), values)


def strip(result: ReceptiveField) -> Sheet:
    """Every block's field from left to right, each on its own scale, one window in pixels."""
    tiles = [_tile(field) for field in result.pixels]
    png = style.palette_png(np.hstack(tiles), 0, 1, colors=color_scales.SEQUENTIAL)
    texts = tuple(sentences.describe(result, block) for block in result.blocks)
    captions = tuple(f"{sigma:.1f} px" for sigma in result.sigma)
    size = tiles[0].shape
    bands = (
        Band(texts, name="field", png=png, tile=(size[1], size[0]), across=len(tiles)),
        Band(texts, name="σ", captions=captions, shares=_relative(result.sigma)),
    )
    heads = tuple("stem" if block == 0 else str(block) for block in result.blocks)
    values = tuple((block,) for block in result.blocks)
    label = "Receptive fields, a column a block; arrow keys move"
    return Sheet("strip", label, bands, values, heads)


def _tile(field: Floats) -> Floats:
    """A field as a small tile in 0 … 1, its root, so that what is weak is seen."""
    step = max(1, field.shape[0] // TILE)
    height, width = (n // step * step for n in field.shape)
    small = field[:height, :width].reshape(height // step, step, width // step, step).sum((1, 3))
    return np.asarray((small / (small.max() or 1)) ** GAMMA)


def _smoothed(result: ReceptiveField, row: int) -> Floats:
    """A block's field (h, w), level within each token: the stem leaves a lattice."""
    p, (height, width) = result.patch_size, result.view.shape[:2]
    level = result.tokens[row].repeat(p, 0).repeat(p, 1)
    field = np.zeros((height, width))
    field[: level.shape[0], : level.shape[1]] = level
    return field


def _relative(sigmas: Floats) -> tuple[float, ...]:
    return tuple((sigmas / (sigmas.max() or 1)).tolist())
