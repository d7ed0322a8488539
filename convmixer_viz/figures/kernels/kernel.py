"""One kernel enlarged: its template and rest, its spectrum, and its response on the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels import thumbnails
from convmixer_viz.figures.sheet import mosaic
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.kernel import Kernel
from convmixer_viz.questions.kernels import STATISTICS

Floats = NDArray[np.floating[Any]]

SIDE = 33  # frequencies along each axis of the spectrum


def draw(result: Kernel, *, limit: float | None = None) -> go.Figure:
    """Six panels; the first three share their colours, to `limit` or the largest weight."""
    largest = limit or float(np.abs(result.weights).max()) or 1.0
    answer = float(np.abs(result.response).max()) or 1.0
    titles = (
        f"kernel, ±{largest:.3g}",
        "its template",
        "the rest",
        "spectrum",
        f"response, ±{answer:.3g}",
        "picture",
    )
    figure = make_subplots(
        2, 3, subplot_titles=titles, vertical_spacing=0.08, horizontal_spacing=0.02
    )
    for column, values in enumerate((result.weights, result.template, result.rest), 1):
        figure.add_trace(_heatmap(values, largest), 1, column)
    figure.add_trace(_spectrum(result), 2, 1)
    figure.add_trace(_heatmap(result.response, answer), 2, 2)
    figure.add_trace(go.Image(z=result.view, hoverinfo="skip"), 2, 3)
    style.picture_axes(style.figure(figure, height=380))
    for number in range(1, 7):
        row, column = (number + 2) // 3, (number - 1) % 3 + 1
        figure.update_yaxes(scaleanchor=f"x{number}", row=row, col=column)
    return figure.update_annotations(font_size=13)


def _heatmap(values: Floats, limit: float) -> go.Heatmap:
    hover = "row %{y}, column %{x}: %{z:.4g}<extra></extra>"
    return go.Heatmap(
        z=values,
        zmin=-limit,
        zmax=limit,
        colorscale=color_scales.DIVERGING,
        showscale=False,
        hovertemplate=hover,
    )


def _spectrum(result: Kernel) -> go.Heatmap:
    axis = (np.arange(SIDE) - SIDE // 2) / SIDE
    hover = "%{x:.2f}, %{y:.2f} cycles per token: %{z:.3g}<extra></extra>"
    return go.Heatmap(
        z=result.power,
        x=axis,
        y=axis,
        colorscale=color_scales.SEQUENTIAL,
        showscale=False,
        hovertemplate=hover,
    )


def describe(result: Kernel) -> str:
    """The kernel's class in a sentence, and how sure that is."""
    r2 = dict(zip(result.statistics, result.values, strict=True))["r2"]
    if result.class_name == "undecidable":
        return (
            f"Closest to a {result.best_name} (R² {r2:.2f}), but 1 % of random kernels of this "
            f"size reach R² {result.threshold:.2f}: undecidable."
        )
    if result.class_name == "other":
        return (
            f"Other: the best template, a {result.best_name}, reaches R² {r2:.2f}, below the "
            f"{result.threshold:.2f} that 1 % of random kernels exceed."
        )
    return (
        f"{result.class_name[0].upper()}{result.class_name[1:]}, R² {r2:.2f} "
        f"(1 % of random kernels exceed {result.threshold:.2f})."
    )


def table(result: Kernel) -> list[dict[str, str]]:
    """A row a statistic, for a table: what it is and its value."""
    rows = [("weights", f"{result.weights.min():.3g} … {result.weights.max():.3g}")]
    rows += [
        (STATISTICS[name], f"{value:.4g}")
        for name, value in zip(result.statistics, result.values, strict=True)
    ]
    sign = "positive" if result.norm_sign > 0 else "negative"
    rows.append(("batch norm's scale |γ|/√(σ²+ε)", f"{result.norm_scale:.3g}, γ {sign}"))
    return [{"what": name, "value": value} for name, value in rows]


def inputs_table(result: Kernel) -> list[dict[str, Any]]:
    """Strongest channels of the block before, with their kernels; none at block 1."""
    return _neighbours(result.inputs, result.input_weights, result.input_kernels)


def outputs_table(result: Kernel) -> list[dict[str, Any]]:
    """Strongest channels that this one feeds, with the next block's kernels where there is one."""
    return _neighbours(result.outputs, result.output_weights, result.output_kernels)


def _neighbours(
    channels: NDArray[np.int64], weights: Floats, kernels: Floats
) -> list[dict[str, Any]]:
    pictures = thumbnails.data_urls(kernels) if len(kernels) else [None] * len(channels)
    return [
        {"kernel": picture, "channel": int(channel), "pointwise weight": float(weight)}
        for picture, channel, weight in zip(pictures, channels, weights, strict=True)
    ]


def still(result: Kernel) -> Still:
    """The kernel, its best template and the rest, on one scale."""
    tiles = np.stack([result.weights, result.template, result.rest])
    limit = float(np.abs(tiles).max()) or 1.0
    png = style.palette_png(mosaic(tiles, 3), -limit, limit, scale=max(1, 128 // tiles.shape[-1]))
    return Still(
        png, f"Kernel, best template, rest; red is positive to {limit:.3g}. {describe(result)}"
    )


def patch_filter_png(result: Kernel) -> bytes | None:
    """What feeds a kernel of block 1: the patch filter in colour, enlarged; none elsewhere."""
    if not result.patch_filter.size:
        return None
    largest = float(np.abs(result.patch_filter).max()) or 1.0
    colors = np.round(127.5 + 127.5 * result.patch_filter / largest).astype(np.uint8)
    return style.png(colors.transpose(1, 2, 0), scale=max(1, 84 // colors.shape[-1]))
