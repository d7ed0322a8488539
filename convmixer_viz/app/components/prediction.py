"""What a prediction shows on any page: the picture as the model saw it, and the answer."""

from __future__ import annotations

import streamlit as st

from convmixer_viz.app.components import chart
from convmixer_viz.figures import prediction as figures, style
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions import glossary
from convmixer_viz.questions.prediction import Prediction

WIDTH = 320  # px of a picture
SMALL = 112  # px of one beside the architecture


def show_view(result: Prediction | None) -> None:
    """The first picture as prepared, and its size."""
    if result is None:
        st.caption("The picture as the model sees it stands here in a moment.")
        return
    view = result.views[0]
    height, width = view.shape[:2]
    with st.container(key="pixelated-view"):
        alt = "The picture as the model saw it"
        st.image(style.png(view), width=WIDTH, output_format="PNG", alt=alt)
        st.caption(f"What the model saw: {width}×{height} px of {escape(result.names[0])}.")


def show_small(result: Prediction | None) -> None:
    """The first picture as prepared, small; the architecture beside it says its size."""
    if result:
        with st.container(key="pixelated-small"):
            alt = figures.still(result).caption
            st.image(style.png(result.views[0]), width=SMALL, output_format="PNG", alt=alt)


def show_first(result: Prediction | None) -> None:
    """The first class, large, with its probability and logit."""
    if result is None:
        st.caption("What the model says stands here in a moment.")
        return
    name, sentence = figures.first(result)
    st.markdown(f"**{escape(name)}**", help=glossary.explain("logit"))
    st.caption(sentence)


def show_answer(result: Prediction | None) -> None:
    """Bars of the top classes, and which classes the preset knows at all."""
    if result is None:
        st.caption("What the model says stands here in a moment.")
        return
    chart.draw(figures.draw(result), figures.describe(result))
    st.caption(escape(f"{result.origin.preset} {figures.describe_classes(result)}"))
