"""Importance beside the other statistics of the kernels: as two more of them, and as a scatter."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels.structure import CLASS_COLORS
from convmixer_viz.questions.importance import STATISTICS, Importance
from convmixer_viz.questions.kernels import STATISTICS as KERNEL_STATISTICS, KernelAtlas

COLORS = ("class", "block")  # of the scatter's points, beside the statistics
POWERS = ("divergence", "energy")  # statistics that span powers of ten
X = "r2"  # the statistic that importance stands against at first


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WeighedAtlas(KernelAtlas):
    """An atlas with what each kernel matters, as two more statistics."""

    divergence: NDArray[np.float32]  # (blocks, dim), bits, the kernel off
    logit_change: NDArray[np.float32]  # (blocks, dim), the kernel off

    @property
    def statistics(self) -> dict[str, str]:
        return KERNEL_STATISTICS | STATISTICS


def join(atlas: KernelAtlas, importance: Importance) -> WeighedAtlas | None:
    """The atlas with the importance of its kernels; none where that is another model's."""
    if _model(atlas) != _model(importance) or not np.array_equal(atlas.blocks, importance.blocks):
        return None
    own = {field.name: getattr(atlas, field.name) for field in fields(KernelAtlas)}
    return WeighedAtlas(
        **own, divergence=importance.divergence, logit_change=importance.logit_change
    )


def _model(result: KernelAtlas | Importance) -> tuple[Any, ...]:
    origin = result.origin
    return origin.preset, origin.weights_sha256, origin.untrained_seed, origin.edits, origin.mode


def draw(result: WeighedAtlas, x: str, y: str = "divergence", color: str = "class") -> go.Figure:
    """A point a kernel of all blocks: importance up, another statistic along, in the colours of
    the classes, the blocks or a third statistic."""
    figure = go.Figure()
    if color == "class":
        for code, name in enumerate(result.class_names):
            if (result.code == code).any():
                figure.add_trace(_points(result, (x, y), result.code == code, name=name))
                figure.data[-1].marker.color = CLASS_COLORS[code]
    else:
        figure.add_trace(_points(result, (x, y), np.ones(result.code.shape, bool)))
        figure.update_traces(marker=_colored(result, color))
    figure.update_xaxes(title=result.statistics[x], **_scale(result, x))
    title = result.statistics[y].removeprefix("importance: ")
    figure.update_yaxes(title=title, **_scale(result, y))
    return style.figure(figure, height=420)


def _scale(result: WeighedAtlas, name: str) -> dict[str, Any]:
    """Powers of ten for what spans several, where none is zero."""
    values = getattr(result, name)
    powers = name in POWERS and values.min() > 0
    return {"type": "log", "dtick": 1, "exponentformat": "power"} if powers else {}


def _points(
    result: WeighedAtlas, axes: tuple[str, str], chosen: NDArray[np.bool_], **how: Any
) -> go.Scattergl:
    x, y = (getattr(result, axis)[chosen] for axis in axes)
    blocks, channels = np.nonzero(chosen)
    return go.Scattergl(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 5, "opacity": 0.8},
        customdata=np.stack([result.blocks[blocks], channels], 1),
        hovertemplate="block %{customdata[0]}, kernel %{customdata[1]}: %{x:.3g}, %{y:.3g}",
        **how,
    )


def _colored(result: WeighedAtlas, color: str) -> dict[str, Any]:
    whole = np.broadcast_to(result.blocks[:, None], result.code.shape)
    values = whole if color == "block" else getattr(result, color)
    signed = color == "logit_change"
    limit = float(np.abs(values).max()) or 1.0
    return {
        "size": 5,
        "color": values.ravel(),
        "colorscale": color_scales.DIVERGING if signed else color_scales.SEQUENTIAL,
        "colorbar": style.color_bar(result.statistics.get(color, color)),
    } | ({"cmin": -limit, "cmax": limit} if signed else {})


def describe(result: WeighedAtlas, x: str, y: str) -> str:
    """How the two go together by rank, over all kernels and block by block."""
    pairs = list(zip(getattr(result, x), getattr(result, y), strict=True))
    each = [rho for rho in (agreement.spearman(*pair) for pair in pairs) if rho is not None]
    whole = agreement.spearman(getattr(result, x).ravel(), getattr(result, y).ravel())
    if whole is None or not each:
        return "One of the two is the same for all kernels: they have no correlation."
    return (
        f"Spearman's ρ {whole:+.2f} over all {result.code.size:,} kernels, {min(each):+.2f} to "
        f"{max(each):+.2f} within a block."
    )
