"""What edits change over many pictures: accuracy over a sweep with its controls, and by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly import subplots

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.effect import CONTROLS, Effect

AXES = {
    "none": "",
    "block": "block that is edited",
    "up": "last edited block, from the first",
    "down": "first edited block, to the last",
    "number": "number of the edit",
    "amount": "amount of the picture's edit",
}
CURVES = {  # of the reference class; field, its standard error
    "probability": ("mean probability", "probability_error"),
    "logit": ("mean logit", "logit_error"),
}
NORMAL = 1.96  # standard errors to each side of a mean: 95 %


def draw(result: Effect) -> go.Figure:
    """Percent of pictures that are right, against what the sweep tries; bars are 95 % intervals,
    bands go from a control's lowest draw to its highest. Over an amount: its curves."""
    if result.sweep == "amount":
        return draw_curves([result])
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
        customdata=[(p, result.written(i)) for i, p in enumerate(result.points)],
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


def draw_curves(results: Sequence[Effect]) -> go.Figure:
    """Sweeps of one amount by several presets on one scale: percent of pictures that are right,
    probability and logit of the reference class; bars are 95 % intervals, dotted: unedited."""
    fig = subplots.make_subplots(1, 1 + len(CURVES), horizontal_spacing=0.08)
    for number, result in enumerate(results):
        for panel, trace in enumerate(_curves(result, color_scales.CATEGORICAL[number]), 1):
            fig.add_trace(trace.update(showlegend=panel == 1), 1, panel)
    style.figure(fig, height=360)
    fig.update_xaxes(title=results[0].points[0].split()[0] if results else "")
    titles = (_share(results[0]), *(title for title, _ in CURVES.values())) if results else ()
    for panel, title in enumerate(titles, 1):
        fig.update_yaxes(title=title, col=panel)
    fig.update_yaxes(range=[0, 102], col=1)
    return fig.update_yaxes(range=[0, 1.02], col=2)


def _curves(result: Effect, color: str) -> Iterator[go.Scatter]:
    low, high = np.array([result.interval(p) for p in range(len(result.points))]).T * 100
    share = 100 * result.accuracy
    yield _curve(result, share, (share - low, high - share), color)
    for name, (_, error) in CURVES.items():
        mean, half = getattr(result, name), NORMAL * getattr(result, error)
        yield _curve(result, mean, (half, half), color)


def _curve(
    result: Effect, values: NDArray[np.float64], errors: tuple[NDArray[np.float64], ...], color: str
) -> go.Scatter:
    several = result.pictures > 1
    return go.Scatter(
        x=result.at,
        y=values,
        error_y={"array": errors[1], "arrayminus": errors[0]} if several else None,
        name=result.origin.preset,
        legendgroup=result.origin.preset,
        mode="lines+markers",
        line={"color": color},
        hovertemplate="%{x}: %{y:.3g}<extra>%{fullData.name}</extra>",
    )


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
        f"{result.points[point]} ({result.written(point)}): "
        f"{100 * result.accuracy[point]:.1f} % of {result.pictures:,} pictures "
        f"{_are_right(result)} (95 % interval {100 * low:.1f} to {100 * high:.1f}), unedited "
        f"{before:.1f} %. {result.lost[point]:,} lost, {result.won[point]:,} won (McNemar, exact: "
        f"p {result.p_in_words(point)}). Mean Jensen–Shannon divergence "
        f"{result.divergence[point]:.3f} bit, mean change of the logit "
        f"{result.logit_change[point]:+.2f} ± {result.logit_change_error[point]:.2f}.",
        *(_control_in_words(result, number, point) for number in range(len(result.control_names))),
    ]
    return " ".join(sentences)


def describe_curve(result: Effect) -> str:
    """Where along an amount recognition ends: fewer than half of the pictures that were right."""
    before = result.base_right
    lost = [at for at, right in zip(result.at, result.right, strict=True) if 2 * right < before]
    where = f"at {', '.join(f'{at:g}' for at in lost)}" if lost else "nowhere"
    name = result.points[0].split()[0]
    return (
        f"{result.origin.preset}: {before:,} of {result.pictures:,} pictures {_are_right(result)} "
        f"unedited; fewer than half as many {where} of the {len(result.at)} values of {name}."
    )


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
