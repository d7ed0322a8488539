"""Presets side by side: differences on the common grid, the pictures they disagree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz import agreement
from convmixer_viz.figures import color_scales, overlays, style
from convmixer_viz.questions.prediction import Prediction

Floats = NDArray[np.floating[Any]]

SHOWN = 160  # px of a picture that presets disagree on


def draw_differences(grids: Sequence[Floats]) -> list[go.Figure]:
    """Every map minus the first, cell by cell of the common grid, on one scale about zero."""
    maps = [grid - grids[0] for grid in grids[1:]]
    limit = max((float(np.abs(values).max()) for values in maps), default=0.0) or 1.0
    return [_difference(values, limit) for values in maps]


def _difference(values: Floats, limit: float) -> go.Figure:
    heat = go.Heatmap(
        z=values,
        zmin=-limit,
        zmax=limit,
        colorscale=color_scales.DIVERGING,
        colorbar=overlays.color_bar_below("difference"),
        hovertemplate="cell %{y}, %{x}: %{z:.4g}<extra></extra>",
    )
    figure = style.picture_axes(style.figure(go.Figure(heat), height=overlays.HEIGHT))
    return figure.update_layout(margin_t=8)


def disagreements(
    first: Prediction, other: Prediction, *, most: int = 4
) -> list[tuple[bytes, str]]:
    """The pictures on which two presets with the same classes differ most: PNG and caption, the
    largest divergence first; none where they know different classes."""
    if first.classes != other.classes:
        return []
    alike = agreement.predictions((first.logits, first.classes), (other.logits, other.classes))
    pairs = []
    for index in alike.order[:most]:
        says = [f"{style.preset_name(each)}: {_says(each, int(index))}" for each in (first, other)]
        caption = f"{first.names[index]} · {' · '.join(says)} · {alike.each[index]:.2f} bit"
        pairs.append((_thumbnail(first.views[index]), caption))
    return pairs


def _says(result: Prediction, index: int) -> str:
    best = int(result.top[index, 0])
    return f"{result.classes[best]} {result.probabilities[index, best]:.0%}"


def _thumbnail(view: NDArray[np.uint8]) -> bytes:
    scale = max(1, SHOWN // max(view.shape[:2]))
    picture = Image.fromarray(view)
    picture.thumbnail((SHOWN, SHOWN))
    return style.png(np.asarray(picture), scale)
