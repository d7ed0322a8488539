"""A block's strongest channels as one picture, and the strip of blocks in three colours."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from convmixer_viz.figures import color_scales, overlays, style
from convmixer_viz.figures.sheet import mosaic
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.activations import Activations

ACROSS = 6  # channel maps in a row


def draw(result: Activations, *, limit: float | None = None) -> go.Figure:
    """The strongest channels' maps on one scale, strongest first; hover tells the channel."""
    limit = limit or overlays.shared_limit([result.channel_maps])
    n, h, w = result.channel_maps.shape
    across = min(ACROSS, n)
    numbers = np.broadcast_to(result.channels[:, None, None], (n, h, w)).astype(float)
    heat = go.Heatmap(
        z=mosaic(result.channel_maps, across),
        customdata=mosaic(numbers, across),
        zmin=-limit,
        zmax=limit,
        colorscale=color_scales.DIVERGING,
        colorbar=overlays.color_bar_below("σ of the training pictures"),
        hovertemplate="channel %{customdata}: %{z:.2f} σ<extra></extra>",
        hoverongaps=False,
    )
    rows = -(-n // across)
    figure = style.figure(go.Figure(heat), height=90 + 140 * rows)
    return style.picture_axes(figure)


def describe_channels(result: Activations) -> str:
    """The channels' numbers, in the order of the picture."""
    return ", ".join(str(channel) for channel in result.channels)


def strip_png(result: Activations, scale: int = 4) -> bytes:
    """Each block's tokens in three colours, a thumbnail a block, a clear gutter between."""
    n, h, w, _ = result.components.shape
    shown = np.zeros((h, n * (w + 1) - 1, 4), np.uint8)
    for i, block in enumerate(result.components):
        left = i * (w + 1)
        shown[:, left : left + w, :3] = np.round(255 * block)
        shown[:, left : left + w, 3] = 255
    return style.png(shown, scale=scale)


def describe_components(result: Activations) -> str:
    """How much of the tokens' variance the three colours hold."""
    shares = result.explained.sum(1)
    return (
        f"Three components hold {shares.min():.0%} to {shares.max():.0%} of a block's variance; "
        "each block's colours are turned to the block before."
    )


def still(result: Activations) -> Still:
    """The strip of blocks."""
    blocks = ", ".join(map(str, result.blocks))
    return Still(strip_png(result), f"Blocks {blocks} (0: the stem). {describe_components(result)}")
