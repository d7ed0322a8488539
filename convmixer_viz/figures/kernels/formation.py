"""How the kernels formed in training: curves over epochs, the kernels of one epoch, a movie."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels.atlas import LEGEND_ABOVE, block_index, tiles_png
from convmixer_viz.figures.kernels.structure import CLASS_COLORS, depth_colors
from convmixer_viz.figures.sheet import Band, Sheet
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.formation import Formation
from convmixer_viz.questions.structure import CURVES as CURVES

# as a link and a page name them: "mean r2" → "mean_r2"
CURVE_NAMES = {name.replace("_", " "): name for name in CURVES}
FRAME = 400  # ms a frame of the movie


def draw(result: Formation, *, curve: str = "mean_r2") -> go.Figure:
    """One number of the layers over the epochs kept, a line a block."""
    figure = go.Figure()
    colors = depth_colors(len(result.blocks))
    for index, block in enumerate(result.blocks):
        figure.add_scatter(
            x=result.epochs,
            y=getattr(result, curve)[:, index],
            name=f"block {block}",
            mode="lines+markers",
            line_color=colors[index],
            hovertemplate="epoch %{x}: %{y:.3g}",
        )
    figure.update_xaxes(title="epoch").update_yaxes(title=CURVES[curve])
    return style.figure(figure, height=340).update_layout(legend=LEGEND_ABOVE, margin_t=64)


def draw_classes(result: Formation, block: int) -> go.Figure:
    """Share of each class of a block's kernels over the epochs kept, stacked."""
    index = block_index(result, block)
    figure = go.Figure()
    for code, name in enumerate(result.class_names):
        shares = result.class_shares[:, index, code]
        if shares.any():
            figure.add_scatter(
                x=result.epochs,
                y=shares,
                name=name,
                stackgroup="classes",
                line={"width": 0.5, "color": CLASS_COLORS[code]},
                hovertemplate="epoch %{x}: %{y:.1%}",
            )
    figure.update_xaxes(title="epoch").update_yaxes(range=[0, 1], tickformat=".0%")
    return style.figure(figure, height=340).update_layout(legend=LEGEND_ABOVE, margin_t=64)


def grid(result: Formation, block: int, epoch: int, channels: Sequence[int]) -> Sheet:
    """A block's kernels at an epoch as the page's clickable picture, each on its own scale."""
    index, at = block_index(result, block), int(np.flatnonzero(result.epochs == epoch)[0])
    tiles = result.weights[at, index][np.asarray(channels, np.int64)].astype(np.float32)
    k = tiles.shape[-1]
    texts = tuple(
        f"{channel}: {result.class_names[result.code[at, index, channel]]}, "
        f"R² {result.r2[at, index, channel]:.2f}"
        for channel in channels
    )
    band = Band(texts, png=tiles_png(tiles, None), tile=(k, k), gutter=1, across=64)
    label = f"{len(tiles)} kernels of block {block} at epoch {epoch}; arrow keys move"
    return Sheet("grid", label, (band,), tuple((int(channel),) for channel in channels))


def draw_kernel(result: Formation, block: int, channel: int) -> go.Figure:
    """One kernel's R² over the epochs kept, with its class on hover."""
    index = block_index(result, block)
    class_names = [result.class_names[code] for code in result.code[:, index, channel]]
    figure = go.Figure(
        go.Scatter(
            x=result.epochs,
            y=result.r2[:, index, channel],
            customdata=class_names,
            mode="lines+markers",
            line_color=color_scales.CATEGORICAL[0],
            hovertemplate="epoch %{x}: %{customdata}, R² %{y:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="epoch").update_yaxes(title="R² of the best template", range=[0, 1])
    return style.figure(figure, height=240)


def filmstrip_png(result: Formation, block: int, channel: int) -> bytes:
    """One kernel at every epoch kept, from left to right, each on its own scale."""
    tiles = result.weights[:, block_index(result, block), channel].astype(np.float32)
    return tiles_png(tiles.repeat(6, axis=1).repeat(6, axis=2), None, across=len(tiles))


def still(result: Formation) -> Still:
    """The first kernel at every epoch kept."""
    block = int(result.blocks[0])
    caption = (
        f"Kernel 0 of block {block} by epoch, each on its own scale. {describe(result, block)}"
    )
    return Still(filmstrip_png(result, block, 0), caption)


def movie_png(result: Formation, block: int) -> bytes:
    """A block's kernels through training as an animated PNG, each on its own scale."""
    index = block_index(result, block)
    across = 32 if result.weights.shape[2] > 128 else 16
    scale = max(1, 640 // (across * (result.weights.shape[-1] + 1)))
    frames = [
        Image.open(BytesIO(tiles_png(moment[index].astype(np.float32), None, across)))
        for moment in result.weights
    ]
    large = [frame.resize((frame.width * scale, frame.height * scale)) for frame in frames]
    file = BytesIO()
    large[0].save(file, "PNG", save_all=True, append_images=large[1:], duration=FRAME, loop=0)
    return file.getvalue()


def describe(result: Formation, block: int) -> str:
    """How many kernels of a block end with a class, and since which epoch."""
    index = block_index(result, block)
    other = result.class_names.index("other")
    classed = result.settled[index][result.code[-1, index] < other]
    if not len(classed):
        return f"No kernel of block {block} has a class at the end of training."
    return (
        f"{len(classed)} of {result.code.shape[2]} kernels of block {block} end with a class; half "
        f"of them have kept it since epoch {int(np.median(classed))}."
    )
