"""A page of kernels as a paper's appendix prints it: patch filters, then ever deeper blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels import patch_embedding
from convmixer_viz.figures.sheet import mosaic
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.patch_embedding import PatchEmbedding

Bytes = NDArray[np.uint8]

ACROSS, SIDE = 16, 480  # tiles a panel's row, px of a panel
GAP, LINE = 24, 30  # px between panels, and for the title above each
PANELS = 6  # with the patch embedding


def page_png(embedding: PatchEmbedding, atlas: KernelAtlas) -> bytes:
    """A PNG of six panels: the patch embedding by norm, and five blocks from first to last, each
    kernel on its own scale; 256 filters a panel at most, in the order of their channels."""
    places = np.linspace(0, len(atlas.blocks) - 1, PANELS - 1).round().astype(int)
    indices = list(dict.fromkeys(places.tolist()))
    panels = [("Patch embedding", _filters(embedding))]
    panels += [(f"Block {atlas.blocks[i]}", _kernels(atlas, i)) for i in indices]
    return _page_png(panels)


def _filters(embedding: PatchEmbedding) -> Bytes:
    chosen = patch_embedding.sorted_channels(embedding, "norm")[: ACROSS**2]
    tiles = patch_embedding.colors(embedding)[chosen].astype(np.float64)
    return np.asarray(np.nan_to_num(mosaic(tiles, ACROSS), nan=255), np.uint8)


def _kernels(atlas: KernelAtlas, index: int) -> Bytes:
    tiles = atlas.weights[index][: ACROSS**2]
    own = np.abs(tiles).max((1, 2), keepdims=True)
    picture = mosaic(tiles.astype(np.float64) / np.where(own > 0, own, 1), ACROSS)
    gutter = np.isnan(picture)[..., None]
    colors = color_scales.diverging_rgb(picture, 1)
    return np.asarray(np.where(gutter, 255, colors), np.uint8)


def _page_png(panels: Sequence[tuple[str, Bytes]]) -> bytes:
    """Three panels a row on white, a title above each."""
    across, step = 3, SIDE + GAP
    rows = -(-len(panels) // across)
    page = Image.new("RGB", (across * step + GAP, rows * (step + LINE) + GAP), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(20)
    for number, (title, picture) in enumerate(panels):
        x = GAP + number % across * step
        y = GAP + number // across * (step + LINE)
        pen.text((x, y), title, fill="black", font=font)
        scale = max(1, SIDE // max(picture.shape[:2]))
        tile = Image.fromarray(picture)
        size = (tile.width * scale, tile.height * scale)
        page.paste(tile.resize(size, Image.Resampling.NEAREST), (x, y + LINE))
    return style.png(np.asarray(page))
