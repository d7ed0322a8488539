"""How classes come apart through depth: the pictures on a plane, and a linear probe's accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.figures import color_scales, style
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.survey import Survey

Doubles = NDArray[np.float64]
COLOURS = ("class", "correctness")
SHAPES = ("circle", "diamond", "cross")
MOST_CLASSES = 20  # that get a colour of their own


def draw_plane(survey: Survey, plane: Doubles, color: str = "class") -> go.Figure:
    """A point a picture, (m, 2); the axes are principal components of the block's features."""
    chosen = survey.feature_pictures
    reference, right = survey.reference[chosen], survey.right[chosen]
    figure = go.Figure()
    if color == "class":
        groups = {survey.classes[label]: reference == label for label in _shown(survey)}
    else:
        groups = {"right": right, "wrong": ~right}
    for number, (name, members) in enumerate(groups.items()):
        if members.any():
            figure.add_trace(_points(survey, plane, members, (name, number)))
    figure.update_xaxes(title="first component", zeroline=False, showticklabels=False)
    figure.update_yaxes(title="second component", zeroline=False, showticklabels=False)
    style.figure(figure, height=520)
    return figure.update_layout(dragmode="pan", clickmode="event+select")


def _shown(survey: Survey) -> list[int]:
    """The classes that are coloured: those with most pictures."""
    order = np.argsort(-survey.class_pictures, kind="stable")[:MOST_CLASSES]
    return sorted(order.tolist())


def _points(
    survey: Survey, plane: Doubles, members: NDArray[np.bool_], named: tuple[str, int]
) -> go.Scattergl:
    name, number = named
    numbers = survey.feature_pictures[members]
    answers = [survey.classes[index] for index in survey.predicted[numbers]]
    true = [survey.classes[index] for index in survey.reference[numbers]]
    words = [escape(f"{a}, said {b}", "plotly") for a, b in zip(true, answers, strict=True)]
    return go.Scattergl(
        x=plane[members, 0].astype(np.float32),
        y=plane[members, 1].astype(np.float32),
        mode="markers",
        name=escape(name, "plotly"),
        marker={"size": 5, "opacity": 0.7} | look_of(number),
        customdata=numbers,
        text=words,
        hovertemplate="picture %{customdata}: %{text}<extra></extra>",
    )


def look_of(number: int) -> dict[str, str]:
    """A colour for each group, and another shape where the colours begin again."""
    again, color = divmod(number, len(color_scales.CATEGORICAL))
    return {"color": color_scales.CATEGORICAL[color], "symbol": SHAPES[again % len(SHAPES)]}


def draw_probe(shares: Doubles, pictures: int) -> go.Figure:
    """The linear probe's accuracy by block, with 95 % intervals, on `pictures` measured."""
    counts = [(round(share * pictures), pictures) for share in shares.tolist()]
    low, high = 100 * np.array([agreement.wilson(*pair) for pair in counts]).T
    percent = 100 * shares
    line: dict[str, Any] = {"color": color_scales.CATEGORICAL[0]}
    figure = go.Figure(
        go.Scatter(
            x=np.arange(len(shares)),
            y=percent,
            error_y={"array": high - percent, "arrayminus": percent - low},
            mode="lines+markers",
            line=line,
            hovertemplate="block %{x}: %{y:.1f} %<extra></extra>",
        )
    )
    figure.update_xaxes(title="block (0: the stem)", dtick=1)
    figure.update_yaxes(title="linear probe (% right)", range=[0, 102])
    return style.figure(figure, height=320)


def describe_probe(shares: Doubles) -> str:
    """Where the classes become separable."""
    percent = 100 * shares
    halfway = int(np.argmax(percent >= (percent[0] + percent.max()) / 2))
    return (
        f"A linear map of the pooled features, fitted on one half of the pictures, tells the class "
        f"of the other half in {percent[0]:.1f} % of cases after the stem and {percent[-1]:.1f} % "
        f"after the last block; half of that way is done by block {halfway}."
    )
