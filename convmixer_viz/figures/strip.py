"""The filmstrip: a column a block, a row each for its kernels, field, tokens and best class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz.figures import style
from convmixer_viz.figures.sheet import Band, Sheet, mosaic

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

ROWS = ("looks with", "sees", "holds", "would say")
_COLORS = 256  # of a photograph's tiles: keeps 34 columns under 200 kB
_EMPTY = {
    "looks with": "16 kernels of each block stand here once they are read",
    "sees": "each block's receptive field on the picture stands here once it is computed",
    "holds": "each block's tokens in colour stand here once they are computed",
    "would say": "each block's best class stands here once the evidence is computed",
}


def draw(
    depth: int,
    *,
    kernels: Floats | None = None,
    fields: tuple[Bytes, Floats, Floats] | None = None,
    components: tuple[Floats, Floats] | None = None,
    probes: Sequence[tuple[str, float]] | None = None,
    target: str = "",
) -> Sheet:
    """The strip of a model with `depth` blocks; a row that is None says what would stand there.

    kernels: (depth, 16, k, k); fields: the picture (h, w, 3), (depth + 1, h, w) ≥ 0 and their
    widths σ in px; components: (depth + 1, H, W, 3) in 0 … 1 and their shares of the variance;
    probes: best class, and probability of the target, for the stem, each block and the head.
    """
    names = column_names(depth)
    bands = (
        _kernel_band(names, kernels),
        _field_band(names, fields),
        _component_band(names, components),
        _class_band(names, probes, target),
    )
    values = (*((block,) for block in range(depth + 1)), None)
    heads = ("stem", *(str(block) for block in range(1, depth + 1)), "head")
    label = "Filmstrip: a column a block; arrow keys move, Enter opens the cell's page"
    return Sheet("strip", label, bands, values, heads)


def column_names(depth: int) -> tuple[str, ...]:
    """The columns' names: Stem, Block 1 …, Head."""
    return ("Stem", *(f"Block {block}" for block in range(1, depth + 1)), "Head")


def _kernel_band(names: Sequence[str], kernels: Floats | None) -> Band:
    if kernels is None:
        return _empty_band(ROWS[0], names)
    limit = float(np.quantile(np.abs(kernels), 0.995))  # one loud weight doesn't pale the rest
    tiles = [mosaic(block, across=4) for block in kernels]
    side = tiles[0].shape[0]
    hole = np.full((side, side), np.nan)
    png = style.palette_png(np.hstack([hole, *tiles, hole]), -limit, limit)
    texts = [f"{name}: 16 of its kernels, full colour at ±{limit:.2g}" for name in names[1:-1]]
    return Band(
        ("", *texts, ""),
        "No depthwise kernels here",
        ROWS[0],
        png,
        tile=(side, side),
        across=len(names),
    )


def _field_band(names: Sequence[str], fields: tuple[Bytes, Floats, Floats] | None) -> Band:
    if fields is None:
        return _empty_band(ROWS[1], names)
    picture, maps, sigmas = fields
    side = min(picture.shape[0], 96 if len(names) <= 14 else 48)
    small = np.asarray(_shrunk(Image.fromarray(picture), side))
    tiles = [veil(small, np.asarray(_shrunk(_field(field), side))) for field in maps]
    texts = [
        f"{name} sees a field of σ = {sigma:.1f} px round its centre token"
        for name, sigma in zip(names[:-1], sigmas, strict=True)
    ]
    return _picture_band(ROWS[1], (*texts, ""), tiles, "The head sees the whole picture")


def _component_band(names: Sequence[str], components: tuple[Floats, Floats] | None) -> Band:
    if components is None:
        return _empty_band(ROWS[2], names)
    maps, shares = components
    tiles = [np.round(255 * np.clip(block, 0, 1)).astype(np.uint8) for block in maps]
    texts = [
        f"{name}: three principal components of its tokens, {_percent(share)} of their variance"
        for name, share in zip(names[:-1], shares, strict=True)
    ]
    return _picture_band(ROWS[2], (*texts, ""), tiles, "The head holds no grid", smooth=False)


def _class_band(
    names: Sequence[str], probes: Sequence[tuple[str, float]] | None, target: str
) -> Band:
    if probes is None:
        return _empty_band(ROWS[3], names, captions=("",))
    verbs = ["would say"] * (len(names) - 1) + ["says"]
    texts = [
        f"{name} {verb} {top}; {target or top}: {_percent(share)}"
        for name, verb, (top, share) in zip(names, verbs, probes, strict=True)
    ]
    captions, shares = zip(*probes, strict=True)
    return Band(tuple(texts), name=ROWS[3], captions=captions, shares=shares)


def _empty_band(row: str, names: Sequence[str], captions: tuple[str, ...] = ()) -> Band:
    return Band(("",) * len(names), _EMPTY[row], row, captions=captions)


def _picture_band(
    row: str, texts: tuple[str, ...], tiles: Sequence[Bytes], empty: str, *, smooth: bool = True
) -> Band:
    h, w = tiles[0].shape[:2]
    png = style.png(np.hstack(tiles), colors=_COLORS)
    return Band(texts, empty, row, png, tile=(w, h), across=len(tiles), smooth=smooth)


def veil(picture: Bytes, field: Floats) -> Bytes:
    """The picture (h, w, 3) where a field (h, w) is strong, a grey veil where it is weak: a pixel
    is as clear as the root of the mass that lies in weaker pixels."""
    order = np.argsort(field, axis=None)
    clear = np.zeros(field.size)
    clear[order] = np.sqrt(np.cumsum(field.ravel()[order]) / (field.sum() or 1.0))
    veil = 72 + 0.45 * picture.mean(axis=2, keepdims=True)
    return (
        np.asarray(veil + clear.reshape(*field.shape, 1) * (picture - veil))
        .round()
        .astype(np.uint8)
    )


def _field(field: Floats) -> Image.Image:
    return Image.fromarray(field.astype(np.float32))


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    return picture.resize((side, side), Image.Resampling.BOX)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
