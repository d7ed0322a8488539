"""Bars of the top classes; sentences about the prediction and the classes of a preset."""

from __future__ import annotations

import plotly.graph_objects as go

from convmixer_viz import agreement
from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.style import Still
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.prediction import Prediction

MOST_NAMED = 12  # classes that a sentence lists


def draw(result: Prediction, *, picture: int = 0) -> go.Figure:
    """Probability bars of one picture's top classes, best on top, with logits on hover."""
    top = result.top[picture]
    names = [result.classes[index] for index in top]
    logits = [float(result.logits[picture, index]) for index in top]
    shares = [float(result.probabilities[picture, index]) for index in top]
    bars = go.Bar(
        x=shares,
        y=[_label(name, int(index)) for name, index in zip(names, top, strict=True)],
        orientation="h",
        text=[
            f"{share:.1%} · logit {logit:.2f}" for share, logit in zip(shares, logits, strict=True)
        ],
        textposition="auto",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.4%}, logit %{customdata:.4f}<extra></extra>",
        customdata=logits,
        marker_color=color_scales.CATEGORICAL[0],
    )
    figure = style.figure(go.Figure(bars), height=56 + 38 * len(top))
    figure.update_layout(margin_t=8)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", dtick=0.25, title="softmax probability")
    figure.update_yaxes(autorange="reversed")
    return figure


def _label(name: str, index: int) -> str:
    return f"class {index}" if name == str(index) else f"{escape(name, 'plotly')} ({index})"


def has_no_class_names(result: Prediction) -> bool:
    """Whether the classes are numbers only."""
    return all(name == str(index) for index, name in enumerate(result.classes))


def describe(result: Prediction, picture: int = 0) -> str:
    """The picture's first class and its probability."""
    best = result.top[picture][0]
    share = result.probabilities[picture, best]
    return f"{result.names[picture]}: {result.classes[best]}, {share:.1%}"


def first(result: Prediction, picture: int = 0) -> tuple[str, str]:
    """The picture's first class; its probability and logit."""
    best = result.top[picture][0]
    share, logit = result.probabilities[picture, best], result.logits[picture, best]
    return result.classes[best], f"{share:.1%}, logit {logit:.2f}"


def describe_change(before: Prediction, after: Prediction) -> str:
    """What edits of the model or the picture do to an answer: its first class, that class's logit,
    and how far all probabilities move."""
    index, now = int(before.top[0, 0]), int(after.top[0, 0])
    old, new = float(before.logits[0, index]), float(after.logits[0, index])
    moved = float(agreement.divergence(before.probabilities[:1], after.probabilities[:1])[0])
    name = before.classes[index]
    verdict = f"still {name}" if now == index else f"{after.classes[now]} instead of {name}"
    model = "edited model" if after.origin.edits else "model"
    of_edited = " of the edited picture" * bool(after.origin.picture_edits)
    return (
        f"The {model} says {verdict}{of_edited}: the probability of {name} goes from "
        f"{before.probabilities[0, index]:.1%} to {after.probabilities[0, index]:.1%}, its logit "
        f"from {old:.2f} to {new:.2f} ({new - old:+.2f}). Over all classes the Jensen–Shannon "
        f"divergence is {moved:.3f} bit, of 1 at most."
    )


def still(result: Prediction) -> Still:
    """The first picture as the model saw it."""
    height, width = result.views[0].shape[:2]
    return Still(style.png(result.views[0]), f"{describe(result)}. Seen as {width}×{height} px.")


def describe_classes(result: Prediction) -> str:
    """Which classes the preset knows, to follow its name: "knows only: …"."""
    if has_no_class_names(result):
        return (
            f"knows {len(result.classes)} classes by their numbers: no names came with its weights."
        )
    if len(result.classes) <= MOST_NAMED:
        return f"knows only: {', '.join(result.classes)}."
    return f"knows {len(result.classes)} classes, from {result.classes[0]} to {result.classes[-1]}."
