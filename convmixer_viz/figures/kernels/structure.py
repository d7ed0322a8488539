"""What kernels have in common, by depth: curves against random layers, classes, covariance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels.atlas import LEGEND_ABOVE
from convmixer_viz.figures.sheet import mosaic
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.structure import CURVES, Structure

ACROSS = 2  # panels a row
CLASS_COLORS = (*color_scales.CATEGORICAL[:5], "#9a9a9a", "#c4c4c4")  # grey: other, undecidable
SHOWN = 24  # eigen-kernels in the picture


def draw(result: Structure, *, curves: Sequence[str] = tuple(CURVES)) -> go.Figure:
    """Every curve over depth, a panel each, over the band of random layers."""
    return compare((result,), curves=curves)


def compare(results: Sequence[Structure], *, curves: Sequence[str] = tuple(CURVES)) -> go.Figure:
    """The same panels for several presets over relative depth, a colour each, one scale a panel."""
    rows = -(-len(curves) // ACROSS)
    figure = make_subplots(
        rows,
        ACROSS,
        subplot_titles=[_wrapped(CURVES[name]) for name in curves],
        vertical_spacing=0.36 / rows,
        horizontal_spacing=0.1,
    )
    for number, result in enumerate(results):
        for panel, name in enumerate(curves):
            for trace in _curve(result, name, number, (panel == 0, len(results) > 1)):
                figure.add_trace(trace, panel // ACROSS + 1, panel % ACROSS + 1)
    figure.update_xaxes(title="relative depth" if len(results) > 1 else "block", row=rows)
    style.figure(figure, height=230 * rows + 60).update_annotations(font_size=13)
    return figure.update_layout(margin_t=96, legend=LEGEND_ABOVE | {"y": 1 + 56 / (230 * rows)})


def _curve(result: Structure, name: str, number: int, place: tuple[bool, bool]) -> list[go.Scatter]:
    """The band as a shaded area and the curve above it; `place`: the first panel, one of several
    presets."""
    first, several = place
    x = _relative_depths(result) if several else result.blocks
    low, high = getattr(result, f"{name}_band").T
    label, color = style.preset_name(result, number), color_scales.CATEGORICAL[number]
    shared = {"legendgroup": label, "showlegend": first}
    band = go.Scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=color,
        opacity=0.4,
        line_width=0,
        mode="lines",
        hoverinfo="skip",
        name=f"{label}, random layers",
        **shared,
    )
    line = go.Scatter(
        x=x,
        y=getattr(result, name),
        mode="lines+markers",
        line_color=color,
        name=label,
        customdata=result.blocks,
        hovertemplate="block %{customdata}: %{y:.4g}",
        **shared,
    )
    return [band, line]


def _relative_depths(result: Structure) -> NDArray[np.float64]:
    """Blocks as shares of the preset's depth."""
    return result.blocks / result.depth


def _wrapped(title: str) -> str:
    """At most two lines over a panel."""
    cut = title.rfind(" ", 0, 44) if len(title) > 44 else len(title)
    return f"{title[:cut]}<br>{title[cut:]}" if cut < len(title) else title


def draw_classes(results: Sequence[Structure]) -> go.Figure:
    """Share of each class by block as stacked bars, a row a preset."""
    titles = [
        f"{style.preset_name(result, i)}: {_describe_classes(result)}"
        for i, result in enumerate(results)
    ]
    count = len(results)
    figure = make_subplots(count, 1, subplot_titles=titles, vertical_spacing=0.3 / count)
    for row, result in enumerate(results, 1):
        for code, name in enumerate(result.class_names):
            low, high = result.class_shares_band[:, code].T
            bars = go.Bar(
                x=result.blocks,
                y=result.class_shares[:, code],
                name=name,
                legendgroup=name,
                marker_color=CLASS_COLORS[code],
                showlegend=row == 1,
                customdata=np.stack([low, high], 1),
                hovertemplate="block %{x}: %{y:.1%} (random layers %{customdata[0]:.1%} "
                "to %{customdata[1]:.1%})",
            )
            figure.add_trace(bars, row, 1)
    figure.update_yaxes(range=[0, 1], tickformat=".0%").update_xaxes(dtick=1)
    figure.update_xaxes(title="block", row=count)
    style.figure(figure, height=90 + 220 * count)
    above = LEGEND_ABOVE | {"y": 1 + 28 / (220 * count), "traceorder": "normal"}
    return figure.update_layout(barmode="stack", margin_t=84, legend=above)


def draw_summary(atlas: KernelAtlas) -> go.Figure:
    """Share of each class by block, and the kernels' mean size, from the atlas."""
    titles = ("share of each class", "half the energy in (tokens a side)")
    figure = make_subplots(1, 2, subplot_titles=titles)
    for code, name in enumerate(atlas.class_names):
        shares = (atlas.code == code).mean(1)
        if shares.any():
            bars = go.Bar(
                x=atlas.blocks,
                y=shares,
                name=name,
                marker_color=CLASS_COLORS[code],
                hovertemplate="block %{x}: %{y:.1%}",
            )
            figure.add_trace(bars, 1, 1)
    size = go.Scatter(
        x=atlas.blocks,
        y=atlas.effective_size_50.mean(1),
        showlegend=False,
        mode="lines+markers",
        line_color=color_scales.CATEGORICAL[0],
        hovertemplate="block %{x}: %{y:.2f} tokens<extra></extra>",
    )
    figure.add_trace(size, 1, 2)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", col=1).update_xaxes(title="block")
    figure.update_annotations(font_size=14)
    below = {"orientation": "h", "y": -0.35, "traceorder": "normal"}
    return style.figure(figure, height=280).update_layout(barmode="stack", legend=below)


def _describe_classes(result: Structure) -> str:
    """How many kernels have a class, against random ones."""
    if not result.decidable:
        k = result.kernel_size
        return f"{k}×{k} kernels can't be told from random ones"
    other = result.class_names.index("other")
    random = 1 - result.class_shares_band[0, other].mean()
    classed = 1 - result.class_shares[:, other].mean()
    return f"{classed:.0%} of kernels have a class, {random:.1%} of random ones"


def draw_covariance(result: Structure, index: int = 0) -> go.Figure:
    """Covariance of a block's raw kernels: k×k blocks (a place each) of k×k (with every place)."""
    k = result.kernel_size
    arranged = result.covariance[index].reshape(k * k, k, k)
    limit = float(np.abs(arranged).max()) or 1.0
    bar = style.color_bar(f"covariance, ±{limit:.2g}")
    heatmap = go.Heatmap(
        z=mosaic(arranged, across=k),
        colorscale=color_scales.DIVERGING,
        zmin=-limit,
        zmax=limit,
        colorbar=bar,
        hoverinfo="skip",
    )
    return style.picture_axes(style.figure(go.Figure(heatmap), height=420))


def draw_eigenvalues(results: Sequence[Structure], index: int = 0) -> go.Figure:
    """Share of the variance that each direction holds, for the same place in depth."""
    figure, place = go.Figure(), _relative_depths(results[0])[index]
    for number, result in enumerate(results):
        at = int(np.abs(_relative_depths(result) - place).argmin())
        values = result.eigenvalues[at] / (result.eigenvalues[at].sum() or 1.0)
        figure.add_scatter(
            x=np.arange(1, len(values) + 1),
            y=values,
            mode="lines+markers",
            name=f"{style.preset_name(result, number)}, block {result.blocks[at]}",
        )
    figure.update_yaxes(type="log", title="share of the variance").update_xaxes(title="direction")
    return style.figure(figure, height=320).update_layout(legend=LEGEND_ABOVE, margin_t=48)


def eigenkernels_png(result: Structure, index: int = 0) -> bytes:
    """The directions of largest variance as kernels, strongest first, each on its own scale."""
    tiles = result.eigenkernels[index][:SHOWN]
    tiles = tiles / np.abs(tiles).max((1, 2), keepdims=True)
    return style.palette_png(mosaic(tiles, across=12), -1, 1, scale=max(1, 40 // tiles.shape[-1]))


def draw_rings(results: Sequence[Structure]) -> go.Figure:
    """Mean share of energy on each ring about the centre, a line a block, the band dotted."""
    titles = [style.preset_name(result, number) for number, result in enumerate(results)]
    figure = make_subplots(1, len(results), shared_yaxes=True, subplot_titles=titles)
    for column, result in enumerate(results, 1):
        colors = depth_colors(len(result.blocks))
        x = np.arange(result.ring_profile.shape[1])
        for block, profile, color in zip(result.blocks, result.ring_profile, colors, strict=True):
            line = go.Scatter(
                x=x,
                y=profile,
                name=f"block {block}",
                line_color=color,
                showlegend=column == 1,
                legendgroup=f"{block}",
            )
            figure.add_trace(line, 1, column)
        middle = result.ring_profile_band[0].mean(1)
        dots = go.Scatter(
            x=x,
            y=middle,
            name="random layers",
            mode="lines",
            line={"dash": "dot", "color": style.INK},
            showlegend=column == 1,
        )
        figure.add_trace(dots, 1, column)
    figure.update_xaxes(title="ring, 0 = the centre", dtick=1)
    figure.update_yaxes(title="share of energy", col=1)
    beside = {"orientation": "v", "x": 1.02, "y": 1}
    return style.figure(figure, height=320).update_layout(legend=beside, margin_t=40)


def draw_pointwise(results: Sequence[Structure]) -> go.Figure:
    """Effective rank of the pointwise layers over relative depth, as a share of dim."""
    figure = go.Figure()
    for number, result in enumerate(results):
        dim = result.pointwise_singular_values.shape[1]
        figure.add_scatter(
            x=_relative_depths(result),
            y=result.pointwise_rank / dim,
            mode="lines+markers",
            name=style.preset_name(result, number),
            customdata=result.pointwise_rank,
            hovertemplate="effective rank %{customdata:.1f}",
        )
    figure.update_yaxes(title="effective rank / dim", range=[0, 1])
    figure.update_xaxes(title="relative depth")
    return style.figure(figure, height=320).update_layout(legend=LEGEND_ABOVE, margin_t=48)


def depth_colors(count: int) -> list[str]:
    """Colours from the first block to the last, apart from a white ground and from a dark one."""
    places = np.linspace(90, 230, count).astype(int)
    colors = color_scales.sample(color_scales.SEQUENTIAL, 256)[places]
    return [f"rgb({red}, {green}, {blue})" for red, green, blue in colors.tolist()]
