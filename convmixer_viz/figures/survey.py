"""A survey's confusion matrix, calibration, classes of a kernel and mean maps of a class."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from convmixer_viz import agreement
from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.sheet import Band, Sheet
from convmixer_viz.figures.style import Still
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.survey import BINS, SIDES, Survey, SurveyNumbers

Counts = Survey | SurveyNumbers

MOST_MISTAKES = 3  # pairs of classes that the sentence names


def draw(result: Counts) -> go.Figure:
    """Left: each reference class's pictures by predicted class, in percent. Right: the share of
    pictures that are right, by the probability of their first class."""
    names = [escape(name, "plotly") for name in result.classes]
    figure = make_subplots(1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.2)
    figure.add_trace(_confusion(result, names), 1, 1)
    figure.add_traces(_calibration(result), 1, 2)
    style.figure(figure, height=440).update_layout(showlegend=False)
    figure.update_xaxes(title="predicted", tickangle=-45, col=1)
    figure.update_yaxes(title=_reference(result), autorange="reversed", col=1)
    figure.update_xaxes(title="probability of the first class (%)", range=[0, 100], col=2)
    return figure.update_yaxes(title="right (%)", range=[0, 102], col=2)


def _reference(result: Counts) -> str:
    return "class" if result.labelled else "class (predicted, for want of labels)"


def _confusion(result: Counts, names: list[str]) -> go.Heatmap:
    counts = result.confusion
    percent = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return go.Heatmap(
        z=np.where(counts > 0, percent, np.nan),
        x=names,
        y=names,
        customdata=counts,
        colorscale=color_scales.SEQUENTIAL,
        zmin=0,
        zmax=100,
        colorbar=style.color_bar("% of the class") | {"x": 0.48},
        hovertemplate="%{y}, said %{x}: %{customdata:,} (%{z:.1f} %)<extra></extra>",
    )


def _calibration(result: Counts) -> list[go.Scatter]:
    bins = result.calibration
    some = bins.pictures > 0
    counts, right = bins.pictures[some], bins.right[some]
    share = 100 * right / counts
    low, high = (
        100 * np.array([agreement.wilson(r, n) for r, n in zip(right, counts, strict=True)]).T
    )
    diagonal = go.Scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"dash": "dash", "color": style.INK},
        hovertemplate="as right as it is sure<extra></extra>",
    )
    points = go.Scatter(
        x=100 * bins.confidence[some],
        y=share,
        error_y={"array": high - share, "arrayminus": share - low},
        mode="lines+markers",
        customdata=counts,
        hovertemplate="%{customdata:,} pictures, %{x:.1f} % sure: %{y:.1f} % right<extra></extra>",
    )
    return [diagonal, points]


def still(result: Survey) -> Still:
    """The confusion matrix, a row a reference class."""
    counts = result.confusion
    percent = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    scale = max(1, 400 // len(percent))
    png = style.palette_png(percent, 0, 100, colors=color_scales.SEQUENTIAL, scale=scale)
    caption = (
        f"Of each class (row) the share of each prediction, 0 % dark to 100 %. {describe(result)}"
    )
    return Still(png, caption)


def describe(result: Counts) -> str:
    """Accuracy with its interval, calibration, the most frequent mistakes, and who is silent."""
    count = len(result)
    plural = "s" * (count != 1)
    if not result.labelled:
        return f"{count:,} picture{plural} without labels. {describe_silence(result)}"
    right = int(np.trace(result.confusion))
    low, high = (100 * share for share in agreement.wilson(right, count))
    return (
        f"{right:,} of {count:,} picture{plural} right, {100 * right / count:.2f} % (95 % interval "
        f"{low:.2f} to {high:.2f}); calibration error {100 * result.calibration.error:.2f} % over "
        f"{BINS} bins. {describe_mistakes(result)}{describe_silence(result)}"
    )


def describe_mistakes(result: Counts) -> str:
    """The pairs of classes that are confused most."""
    mistakes = result.confusion * (1 - np.eye(len(result.classes), dtype=np.int64))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:MOST_MISTAKES]
    pairs = [divmod(int(place), len(result.classes)) for place in order]
    words = [
        f"{result.classes[true]} for {result.classes[said]} {mistakes[true, said]:,} times"
        for true, said in pairs
        if mistakes[true, said]
    ]
    return f"Taken most often: {', '.join(words)}. " if words else ""


def describe_silence(result: Counts) -> str:
    """How many kernels and channels answer no picture."""
    never = (result.silent == len(result)).sum((1, 2))
    parts = [f"{number} {side}s" for number, side in zip(never, SIDES, strict=True)]
    return f"{' and '.join(parts)} of {result.silent[0].size:,} each are silent on all of them."


def confusion_sheet(result: Survey) -> Sheet:
    """The confusion matrix to click on: a cell picks (reference class, predicted class)."""
    counts, names = result.confusion, result.classes
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    off = np.where(np.eye(len(names), dtype=bool), np.nan, 100 * counts / totals)
    limit = float(np.nanmax(off)) if len(names) > 1 else 1.0
    png = style.palette_png(
        off, 0, limit or 1.0, colors=color_scales.SEQUENTIAL, scale=max(1, 400 // len(names))
    )
    texts = tuple(
        f"{names[true]}, said {names[said]}: {counts[true, said]:,} of {totals[true, 0]:,}"
        for true, said in np.ndindex(*counts.shape)
    )
    band = Band(texts, png=png, across=len(names))
    values = tuple((int(true), int(said)) for true, said in np.ndindex(*counts.shape))
    return Sheet("overlay", "confusion matrix: class down, predicted class across", (band,), values)


def most_confused(result: Survey) -> float:
    """The largest share of a class that is said to be one other, in percent."""
    counts = result.confusion * (1 - np.eye(len(result.classes), dtype=np.int64))
    return float((100 * counts / np.maximum(result.confusion.sum(1, keepdims=True), 1)).max())


def draw_class_use(result: Counts, place: tuple[int, int, int], name: str) -> go.Figure:
    """What each class moves a kernel or channel by: the mean positive part of its answers;
    `place` is its side, the block's place and the channel."""
    seen = np.flatnonzero(result.class_pictures)
    names = [escape(result.classes[index], "plotly") for index in seen]
    bars = go.Bar(
        x=names,
        y=result.class_answers[place][seen],
        marker={"color": color_scales.CATEGORICAL[0]},
        hovertemplate="%{x}: %{y:.3g}<extra></extra>",
    )
    figure = style.figure(go.Figure(bars), height=260)
    return figure.update_yaxes(title=f"mean positive answer of {name}")


def describe_use(result: Counts, place: tuple[int, int, int]) -> str:
    """How selective it is, for which class, and how often it is silent."""
    silent = 100 * int(result.silent[place]) / len(result)
    best = result.classes[int(result.class_answers[place].argmax())]
    selectivity = float(result.selectivity[place])
    return (
        f"Class selectivity {selectivity:.2f} (0: all classes move it alike, 1: one alone does), "
        f"most by {best}; silent on {silent:.1f} % of {len(result):,} pictures."
    )


def evidence_png(result: Survey, index: int) -> Still:
    """The mean map of the pictures of a class: where evidence for it lies."""
    values = result.class_evidence[index]
    limit = float(np.abs(result.class_evidence).max()) or 1.0
    png = style.palette_png(values, -limit, limit, scale=max(1, 256 // values.shape[0]))
    return Still(png, f"red for {result.classes[index]}, blue against, full colour ±{limit:.2g}")


def centre_bias(result: Survey) -> float:
    """The share of the predicted classes' |evidence| centres within the middle quarter."""
    inside = (np.abs(result.centre - 0.5) < 0.25).all(1)
    return float(inside.mean())
