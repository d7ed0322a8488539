"""The patch filters in colour, and where they lie in frequency and orientation."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.sheet import Band, Sheet, mosaic
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.patch_embedding import PatchEmbedding

Bytes = NDArray[np.uint8]

ORDERS = {
    "norm": "norm",
    "peak frequency": "peak_frequency",
    "colourfulness": "colourfulness",
    "orientation": "orientation",
    "channel": "channel",
}
COLORS, ACROSS = 64, 64  # shades and tiles a row of the clickable picture
PNG_WIDTH = 1400  # px at most
ANGLES = (0, 45, 90, 135, 180)  # shown; plotly counts the lower half from −180 to −360
POLAR_AXES = {  # the lower half of a circle, clockwise from the right
    "sector": [180, 360],
    "bgcolor": style.CLEAR,
    "angularaxis": {
        "direction": "clockwise",
        "rotation": 0,
        "gridcolor": style.GRID,
        "tickvals": [angle - 360 for angle in ANGLES],
        "ticktext": [f"{angle}°" for angle in ANGLES],
    },
    "radialaxis": {"range": [0, 0.72], "gridcolor": style.GRID, "dtick": 0.25},
}


def draw(result: PatchEmbedding) -> go.Figure:
    """Each living filter at its orientation and peak frequency, coloured by colourfulness."""
    alive = np.flatnonzero(~result.dead)
    largest = result.norm.max() or 1.0
    marker = {
        "color": result.colourfulness[alive],
        "cmin": 0,
        "cmax": 1,
        "colorscale": color_scales.SEQUENTIAL,
        "size": 4 + 10 * result.norm[alive] / largest,
        "opacity": 0.8,
        "colorbar": style.color_bar("colourfulness"),
    }
    points = go.Scatterpolar(
        r=result.peak_frequency[alive],
        theta=result.orientation[alive],
        mode="markers",
        marker=marker,
        customdata=alive,
        hovertemplate="filter %{customdata}: %{r:.2f} cycles per pixel, "
        "%{theta:.0f}°<extra></extra>",
    )
    return style.figure(go.Figure(points), height=360).update_layout(polar=POLAR_AXES)


def sorted_channels(result: PatchEmbedding, by: str) -> NDArray[np.int64]:
    """Channels, the largest first; by orientation the smallest angle first."""
    values = np.arange(len(result.norm)) if by == "channel" else getattr(result, by)
    ascending = by in ("channel", "orientation")
    return np.argsort(values if ascending else -values, kind="stable")


def colors(result: PatchEmbedding) -> Bytes:
    """Filters (dim, p, p, 3), each scaled to its own largest weight, grey where it is zero."""
    own = np.abs(result.filters).max((1, 2, 3), keepdims=True)
    scaled = 127.5 + 127.5 * result.filters / np.where(own > 0, own, 1)
    return np.round(scaled).transpose(0, 2, 3, 1).astype(np.uint8)


def grid(result: PatchEmbedding, by: str = "norm") -> Sheet:
    """All filters as the page's clickable picture; a pick is a channel."""
    channels = sorted_channels(result, by)
    p = result.filters.shape[-1]
    band = Band(
        cell_texts(result, channels),
        png=style.png(_tiled(result, channels, 0), colors=COLORS),
        tile=(p, p),
        across=ACROSS,
    )
    label = f"{len(channels)} patch filters of {p}×{p} pixels; arrow keys move"
    return Sheet("grid", label, (band,), tuple((int(channel),) for channel in channels))


def cell_texts(result: PatchEmbedding, channels: NDArray[np.int64]) -> tuple[str, ...]:
    """A text for each channel: number, norm, peak frequency, colourfulness, whether dead."""
    return tuple(
        f"{channel}: norm {result.norm[channel]:.2g}, "
        f"{result.peak_frequency[channel]:.2f} cycles per pixel, "
        f"colour {result.colourfulness[channel]:.0%}{', dead' if result.dead[channel] else ''}"
        for channel in channels
    )


def filters_png(result: PatchEmbedding, *, by: str = "norm") -> bytes:
    """All filters as a PNG to keep, up to 1,400 px wide, with gutters."""
    across = min(len(result.norm), 32)
    scale = max(1, PNG_WIDTH // (across * (result.filters.shape[-1] + 1)))
    return style.png(_tiled(result, sorted_channels(result, by), 1, across), scale=scale)


def files(result: PatchEmbedding) -> dict[str, bytes]:
    """PNGs by file name for a folder of saved results."""
    return {"patch-embedding.png": filters_png(result)}


def still(result: PatchEmbedding) -> Still:
    """All filters, the largest norm first."""
    return Still(filters_png(result), f"{describe(result)} Each on its own scale; grey is zero.")


def describe(result: PatchEmbedding) -> str:
    """How many filters there are, and how many are dead."""
    dead = int(result.dead.sum())
    colourful = float((result.colourfulness > 0.5).mean())
    side = result.filters.shape[-1]
    return (
        f"{len(result.norm)} filters of {side}×{side} pixels, {dead} of them dead; "
        f"{colourful:.0%} carry more colour than grey."
    )


def _tiled(
    result: PatchEmbedding, channels: NDArray[np.int64], gutter: int, across: int = ACROSS
) -> Bytes:
    tiles = colors(result)[channels].astype(np.float64)
    return np.asarray(np.nan_to_num(mosaic(tiles, across, gutter), nan=255), np.uint8)
