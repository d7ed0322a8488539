"""What edits change over many pictures: accuracy over a sweep with its controls, and by class."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.effect import CONTROLS, Effect

AXES = {
    "none": "",
    "block": "block that is edited",
    "up": "last edited block, from the first",
    "down": "first edited block, to the last",
    "number": "number of the edit",
}


def draw(result: Effect) -> go.Figure:
    """Percent of pictures that are right, against what the sweep tries; bars are 95 % intervals,
    bands go from a control's lowest draw to its highest."""
    fig = go.Figure()
    for number, name in enumerate(result.control_names):
        _add_control(fig, result, number, name)
    low, high = np.array([result.interval(p) for p in range(len(result.points))]).T * 100
    share = 100 * result.accuracy
    fig.add_scatter(
        x=_positions(result),
        y=share,
        error_y={"array": high - share, "arrayminus": share - low},
        name="edited",
        mode="lines+markers",
        line={"color": color_scales.CATEGORICAL[0]},
        customdata=list(zip(result.points, result.edits, strict=True)),
        hovertemplate="%{customdata[0]}: %{y:.1f} %<br>%{customdata[1]}<extra></extra>",
    )
    fig.add_hline(
        100 * result.base_right / result.pictures,
        line={"color": style.INK, "dash": "dot"},
        annotation_text="unedited",
    )
    style.figure(fig, height=360)
    fig.update_xaxes(title=AXES[result.sweep], **_ticks(result))
    return fig.update_yaxes(title=_share(result), range=[0, 102])


def draw_classes(result: Effect, point: int = -1) -> go.Figure:
    """Percent of each reference class that is right, unedited and at one point."""
    count = np.maximum(result.class_pictures, 1)
    seen = np.flatnonzero(result.class_pictures)
    names = [result.classes[index] for index in seen]
    fig = go.Figure()
    sides = {"unedited": result.class_base_right, result.points[point]: result.class_right[point]}
    for number, (name, right) in enumerate(sides.items()):
        color = (style.INK, color_scales.CATEGORICAL[0])[number]
        share = (100 * right / count)[seen]
        fig.add_bar(x=names, y=share, name=name, marker={"color": color})
    style.figure(fig, height=320)
    return fig.update_yaxes(title=_share(result), range=[0, 102])


def still(result: Effect) -> Still:
    """The change of each class at each point, in percent of its pictures."""
    count = np.maximum(result.class_pictures, 1)
    change = 100 * (result.class_right - result.class_base_right) / count
    limit = max(1.0, float(np.abs(change).max()))
    png = style.palette_png(change, -limit, limit, scale=16)
    caption = (
        "Change of what is right, a row a point, a column a class: from blue "
        f"(−{limit:.0f} points) over white (none) to red (+{limit:.0f}). {describe(result)}"
    )
    return Still(png, caption)


def describe(result: Effect, point: int = -1) -> str:
    """One point in words: counts, interval, test, and its controls."""
    low, high = result.interval(point)
    before = 100 * result.base_right / result.pictures
    sentences = [
        f"{result.points[point]} ({result.edits[point] or 'no edit'}): "
        f"{100 * result.accuracy[point]:.1f} % of {result.pictures:,} pictures "
        f"{_are_right(result)} (95 % interval {100 * low:.1f} to {100 * high:.1f}), unedited "
        f"{before:.1f} %. {result.lost[point]:,} lost, {result.won[point]:,} won (McNemar, exact: "
        f"p {result.p_in_words(point)}). Mean Jensen–Shannon divergence "
        f"{result.divergence[point]:.3f} bit, mean change of the logit "
        f"{result.logit_change[point]:+.2f} ± {result.logit_change_error[point]:.2f}.",
        *(_control_in_words(result, number, point) for number in range(len(result.control_names))),
    ]
    return " ".join(sentences)


def _control_in_words(result: Effect, number: int, point: int) -> str:
    share = 100 * result.control_right[number, point] / result.pictures
    draws = f"{len(share)} draw{'s' * (len(share) > 1)}"
    return (
        f"Control, {CONTROLS[result.control_names[number]]}: {share.mean():.1f} % in the mean of "
        f"{draws} ({share.min():.1f} to {share.max():.1f})."
    )


def _add_control(fig: go.Figure, result: Effect, number: int, name: str) -> None:
    share = 100 * result.control_right[number] / result.pictures  # (points, seeds)
    x, color = _positions(result), color_scales.CATEGORICAL[1 + number]
    draws = share.shape[1]
    fig.add_scatter(
        x=x,
        y=share.mean(1),
        error_y={"array": share.max(1) - share.mean(1), "arrayminus": share.mean(1) - share.min(1)},
        name=f"{name}: mean and range of {draws} draw{'s' * (draws > 1)}",
        mode="lines+markers",
        line={"color": color, "dash": "dash"},
        hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
    )


def _positions(result: Effect) -> list[float]:
    """Numbers that a sweep doubles stand at equal steps."""
    return list(range(len(result.at))) if _by_rank(result) else result.at.tolist()


def _by_rank(result: Effect) -> bool:
    return result.sweep == "number" and float(result.at.max()) > 64


def _ticks(result: Effect) -> dict[str, object]:
    if result.sweep == "none":
        return {"tickvals": [0.0], "ticktext": [result.points[0]]}
    if _by_rank(result):
        return {"tickvals": _positions(result), "ticktext": [f"{at:g}" for at in result.at]}
    return {"tickvals": result.at.tolist()} if len(result.at) <= 20 else {}


def _share(result: Effect) -> str:
    return "pictures that are right (%)" if result.labelled else "pictures as unedited (%)"


def _are_right(result: Effect) -> str:
    return "are right" if result.labelled else "have the same first class"
