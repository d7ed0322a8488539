"""Whether a map can be trusted: deletion and insertion curves, randomisation, the scores."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, overlays, style
from convmixer_viz.figures.style import Still
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.faithfulness import NEVER, Faithfulness

FADED = 40  # of 255: what is left of tokens outside a cut-out
CURVES = ("deletion", "insertion")
DASHES = ("solid", "dot", "dash")  # the method and its two controls


def draw(result: Faithfulness, *, baseline: str = "mean") -> go.Figure:
    """The two curves with random order and centre first, what was not measured empty; or the
    randomisation test, where that alone was asked."""
    if result.deletion is None and result.insertion is None and result.randomisation is not None:
        return draw_randomisation([result])
    return compare([result], baseline=baseline)


def still(result: Faithfulness) -> Still:
    """The map that is scored, over what the model saw."""
    limit = overlays.shared_limit([result.tokens])
    png = style.png(style.overlay(result.view, result.tokens, limit))
    return Still(png, f"{result.method} for {result.target_name}; full colour is {limit:.2g}.")


def cut_out(result: Faithfulness) -> Still | None:
    """The smallest set that keeps the answer, cut out of what the model saw; none where it wasn't
    looked for."""
    if result.fewest_kept is None:
        return None
    kept = result.keeps
    side = result.view.shape[0] // kept.shape[0]
    alpha = np.where(kept, 255, FADED).repeat(side, 0).repeat(side, 1).astype(np.uint8)
    view = result.view[: alpha.shape[0], : alpha.shape[1]]
    file = BytesIO()
    Image.fromarray(np.dstack([view, alpha])).save(file, "PNG")
    return Still(file.getvalue(), describe_smallest(result))


def describe_smallest(result: Faithfulness) -> str:
    """How many tokens change the answer and how many keep it, beside the controls."""
    if result.fewest_removed is None or result.fewest_kept is None:
        return ""
    baseline, total = result.baselines[0], result.tokens.size
    names = (result.method, *result.orders[1:])
    removed, kept = (
        ", ".join(
            f"{'none' if n == NEVER else n} by {name}"
            for name, n in zip(names, counts, strict=True)
        )
        for counts in (result.fewest_removed[0], result.fewest_kept[0])
    )
    return (
        f"Of {total} tokens, taken away one more at a time and filled by {baseline}, so many end "
        f"the answer {result.answer}: {removed}. So many alone keep it: {kept}."
    )


def compare(results: Sequence[Faithfulness], *, baseline: str = "mean") -> go.Figure:
    """The curves of several maps of one picture, and the controls once."""
    figure = make_subplots(
        1, 2, subplot_titles=("deletion: low is good", "insertion: high is good")
    )
    for column, name in enumerate(CURVES, 1):
        for number, result in enumerate(results):
            curves = _chosen(result, name, baseline)
            for order, curve in enumerate(curves if number == 0 else curves[:1]):
                figure.add_trace(_trace(result, curve, order, number), 1, column)
    style.figure(figure, height=340)
    figure.update_xaxes(title="share of the tokens", tickformat=".0%")
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(title=f"probability of {escape(results[0].target_name, 'plotly')}", col=1)
    return figure.update_traces(showlegend=False, col=2)


def _chosen(result: Faithfulness, name: str, baseline: str) -> NDArray[np.float32]:
    """The curves of one baseline, (orders, 33); none where not measured."""
    curves: NDArray[np.float32] | None = getattr(result, name)
    empty = np.empty((0, len(result.fractions)), np.float32)
    return empty if curves is None else curves[result.baselines.index(baseline)]


def _trace(result: Faithfulness, curve: NDArray[np.float32], order: int, number: int) -> go.Scatter:
    name = result.orders[order] if order else result.method
    color = color_scales.CATEGORICAL[number % (len(color_scales.CATEGORICAL) - 1)]
    return go.Scatter(
        x=result.fractions,
        y=curve,
        name=name,
        legendgroup=name,
        line={"dash": DASHES[order], "color": style.INK if order else color},
        hovertemplate=f"{name}: %{{x:.0%}} → %{{y:.1%}}<extra></extra>",
    )


def draw_randomisation(results: Sequence[Faithfulness]) -> go.Figure:
    """Rank correlation with the original map while the weights are randomised from the head."""
    figure = go.Figure(
        [
            go.Scatter(x=result.stages, y=result.randomisation, name=result.method)
            for result in results
            if result.randomisation is not None
        ]
    )
    style.figure(figure, height=300)
    figure.update_xaxes(title="randomised down to")
    return figure.update_yaxes(title="Spearman of |map|", range=[-0.3, 1.02])


def table(results: Sequence[Faithfulness], *, baseline: str = "mean") -> list[dict[str, Any]]:
    """A row of scores a method; areas with that baseline, None where not measured."""
    return [
        {
            "method": result.method,
            "valid": result.valid,
            "deletion": _area(result, result.deletion_area, baseline),
            "insertion": _area(result, result.insertion_area, baseline),
            "ROAD": result.road,
            "infidelity": result.infidelity,
            "max-sensitivity": result.max_sensitivity,
            "completeness": result.completeness,
            "complexity": result.complexity,
        }
        for result in results
    ]


def _area(
    result: Faithfulness, areas: NDArray[np.float32] | None, baseline: str, order: int = 0
) -> float | None:
    return None if areas is None else float(areas[result.baselines.index(baseline), order])


def describe_controls(result: Faithfulness, *, baseline: str = "mean") -> str:
    """The areas under the controls' curves, in a sentence; empty where none was measured."""
    parts = []
    for name, areas in (("deletion", result.deletion_area), ("insertion", result.insertion_area)):
        if areas is not None:
            areas_of_controls = [
                f"{order} {_area(result, areas, baseline, i):.3f}"
                for i, order in enumerate(result.orders)
                if i
            ]
            parts.append(f"{name}: {', '.join(areas_of_controls)}")
    return "; ".join(parts)
