"""How every page opens: its title, and a sentence whose terms are explained beside it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from convmixer_viz.questions import glossary


def draw(title: str, sentence: str, beside: Callable[[], None] | None = None) -> None:
    """Title and sentence, which is markdown; `beside` draws what stands to the title's right."""
    if beside:
        left, right = st.columns(2, vertical_alignment="bottom")
        left.title(title)
        with right:
            beside()
    else:
        st.title(title)
    st.markdown(sentence, help=glossary.explain(sentence) or None)
