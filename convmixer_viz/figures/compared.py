"""Presets side by side: differences on the common grid, costs, the pictures they disagree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from convmixer_viz import comparison
from convmixer_viz.figures import style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convmixer_viz.analyses.prediction import Prediction
    from convmixer_viz.presets import Preset

    Floats = NDArray[np.floating[Any]]

SHOWN = 160  # px of a picture that presets disagree on


def differences(grids: Sequence[Floats], names: Sequence[str]) -> list[go.Figure]:
    """Every map minus the first, cell by cell of the common grid, on one scale about zero."""
    found = [comparison.difference(grid, grids[0]) for grid in grids[1:]]
    limit = max((float(np.abs(values).max()) for values in found), default=0.0) or 1.0
    return [
        _difference(values, limit, f"{name} minus {names[0]}")
        for values, name in zip(found, names[1:], strict=True)
    ]


def _difference(values: Floats, limit: float, title: str) -> go.Figure:
    heat = go.Heatmap(
        z=values, zmin=-limit, zmax=limit, colorscale=style.DIVERGING,
        colorbar=style.color_bar("difference") | {"tickformat": ".2~g"},
        hovertemplate="cell %{y}, %{x}: %{z:.4g}<extra></extra>",
    )  # fmt: skip
    return style.picture_axes(style.figure(go.Figure(heat), title, height=300))


def costs(presets: Sequence[Preset], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """What each preset costs at its own size: parameters, multiply-adds with the depthwise part,
    and the time that the prediction above took here."""
    rows = []
    for preset, found in zip(presets, predictions, strict=True):
        parts = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
        seconds = found.provenance.seconds if found.provenance else 0.0
        rows.append(
            {"preset": preset.name, "parameters": preset.parameters,
             "multiply-adds (M)": round(sum(parts.values()) / 1e6, 1),
             "of them depthwise": round(parts["depthwise"] / sum(parts.values()), 3),
             "weights (MB)": round(4 * preset.parameters / 1e6, 2),
             "measured here (ms a picture)": round(1e3 * seconds / len(found.names), 1),
             "device": found.provenance.device if found.provenance else ""}
        )  # fmt: skip
    return rows


def disagreements(
    first: Prediction, other: Prediction, *, most: int = 4
) -> list[tuple[bytes, str]]:
    """The pictures on which two presets with the same classes differ most: PNG and words, the
    largest divergence first; none where they know different classes."""
    if first.classes != other.classes:
        return []
    found = comparison.predictions((first.logits, first.classes), (other.logits, other.classes))
    shown = []
    for index in found.order[:most]:
        says = [f"{_name(each)}: {_says(each, int(index))}" for each in (first, other)]
        words = f"{first.names[index]} · {' · '.join(says)} · {found.each[index]:.2f} bit"
        shown.append((_thumbnail(first.views[index]), words))
    return shown


def _says(result: Prediction, index: int) -> str:
    best = int(result.top[index, 0])
    return f"{result.classes[best]} {result.probabilities[index, best]:.0%}"


def _name(result: Prediction) -> str:
    return result.provenance.preset if result.provenance else "model"


def _thumbnail(view: NDArray[np.uint8]) -> bytes:
    scale = max(1, SHOWN // max(view.shape[:2]))
    picture = Image.fromarray(view)
    picture.thumbnail((SHOWN, SHOWN))
    return style.png(np.asarray(picture), scale)
