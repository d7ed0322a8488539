"""Exact evidence over the picture, its sum, and the probe through depth."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, overlays, style
from convmixer_viz.figures.style import Still
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.evidence import Evidence

LONGEST = 18  # letters of a class name above the probe's line and beside its axis
AGAINST = " rather than "  # between the two classes of a target's name


def draw(
    result: Evidence,
    *,
    limit: float | None = None,
    strength: float = 0.85,
    block: int | None = None,
) -> go.Figure:
    """The exact map over the view; with `block` the probe's map of that block instead."""
    values = result.exact
    if block is not None:
        values = result.maps[result.blocks.tolist().index(block)]
    return overlays.draw(result.view, values, limit=limit, strength=strength, unit="logit a token")


def still(result: Evidence, limit: float | None = None) -> Still:
    """The exact evidence over what the model saw; `limit` is that of several maps on one scale."""
    limit = float(np.abs(result.exact).max()) if limit is None else limit
    return Still(
        style.png(style.overlay(result.view, result.exact, limit)),
        f"Red speaks for {result.target_name}, blue against; "
        f"full colour is ±{limit:.2g} of the logit on one token.",
    )


def describe_sum(result: Evidence) -> str:
    """That the map is exact, in numbers: sum, bias, logit, error."""
    total = float(result.exact.sum(dtype="float64"))
    return (
        f"Σ tokens {total:+.4f}, bias {result.bias:+.4f} = {total + result.bias:.4f}; "
        f"logit of {result.target_name} {result.logit:.4f}; error {result.error:.1e} "
        f"({result.relative_error:.0e} of all contributions)"
    )


def describe_colors(result: Evidence) -> str:
    """What red and blue stand for."""
    return f"Red speaks for {result.target_name}, blue against."


def votes(result: Evidence) -> NDArray[np.int64]:
    """(H, W) The class that each token speaks for most."""
    return np.asarray(result.per_class.argmax(0))


def draw_votes(result: Evidence, names: Sequence[str]) -> go.Figure:
    """Each token in the colour of the class that it speaks for most; the classes that most tokens
    speak for have a colour of their own, all others are grey."""
    winners = votes(result)
    counts = np.bincount(winners.ravel(), minlength=len(result.per_class))
    shown = np.argsort(-counts, kind="stable")[: len(color_scales.CATEGORICAL)]
    place = np.full(len(counts), len(shown))
    place[shown] = np.arange(len(shown))
    colors = [*color_scales.CATEGORICAL[: len(shown)], style.INK]
    steps = [[(n + end) / len(colors), c] for n, c in enumerate(colors) for end in (0, 1)]
    heat = go.Heatmap(
        z=place[winners],
        zmin=-0.5,
        zmax=len(colors) - 0.5,
        colorscale=steps,
        showscale=False,
        text=np.array(names)[winners],
        hovertemplate="row %{y}, column %{x}: %{text}<extra></extra>",
    )
    figure = style.figure(go.Figure(heat), height=300)
    for color, label in zip(colors, shown, strict=False):
        if counts[label]:
            name = f"{names[label]}: {100 * counts[label] / winners.size:.0f} %"
            marker = {"color": color, "symbol": "square"}
            figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=name)
    return style.picture_axes(figure)


def strip_png(result: Evidence, scale: int = 4) -> bytes:
    """The probe's maps, a thumbnail a block, each on its own scale about zero."""
    return overlays.strip_png(result.maps, scale=scale)


def describe_decision(result: Evidence) -> str:
    """The block from which on the probe says the final class."""
    top, blocks = result.probe_top.tolist(), result.blocks.tolist()
    first = len(top) - 1
    while first > 0 and top[first - 1] == top[-1]:
        first -= 1
    where = "the stem" if blocks[first] == 0 else f"block {blocks[first]}"
    return f"From {where} on, the probe says {result.probe_names[-1]}."


def draw_probes(result: Evidence) -> go.Figure:
    """Probability of the target by block; above, the class that the probe says from there on."""
    line = go.Scatter(
        x=result.blocks,
        y=result.probe_probability,
        text=[escape(name, "plotly") for name in result.probe_names],
        mode="lines+markers",
        hovertemplate="block %{x}: %{text} on top, target %{y:.2%}<extra></extra>",
    )
    figure = style.figure(go.Figure(line), height=300).update_layout(margin={"t": 96, "r": 64})
    names = [None, *result.probe_names]
    for block, before, name in zip(result.blocks, names, result.probe_names, strict=False):
        if name != before:
            figure.add_annotation(
                x=block,
                y=1,
                yref="paper",
                text=escape(shorten(name, LONGEST, placeholder=" …"), "plotly"),
                textangle=-45,
                showarrow=False,
                xanchor="left",
                yanchor="bottom",
            )
    figure.update_xaxes(
        title="block (0 is the stem's output)",
        dtick=1 + len(result.blocks) // 10,
        range=[-0.3, result.blocks[-1] + 0.3],
    )
    return figure.update_yaxes(title=_axis_title(result), range=[0, 1.05], tickformat=".0%")


def _axis_title(result: Evidence) -> str:
    """What the probe's probability is of, a line a class: the axis is short."""
    names = (shorten(n, LONGEST, placeholder=" …") for n in result.target_name.split(AGAINST))
    return f"probe: {f'<br>{AGAINST.strip()} '.join(escape(name, 'plotly') for name in names)}"
