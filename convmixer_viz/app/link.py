"""The link to a view: what stands in it, and which of its values had no effect."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app.state import state

BOUND: Final = "query-params"  # a widget's `bind`: its value stands in the link under its key


def begin() -> DeltaGenerator:
    """Open a run of the script, at the sidebar's top: the place of the warnings, with those that
    are known. They stay until the person's first change. A link is read once a session, before
    the widgets: these take out of it what they don't know."""
    place = st.sidebar.container()
    if state().link is None:
        state().link = {key: st.query_params.get_all(key) for key in st.query_params}
    if not state().rerun_by_app:
        state().ignored = []
    state().rerun_by_app = False
    for sentence in state().ignored:
        place.warning(sentence)
    return place


def check(place: DeltaGenerator) -> None:
    """Compare the link's values with those of the widgets that have been drawn since."""
    parameters = state().link or {}
    for key in [key for key in parameters if key in st.session_state]:
        current = st.session_state[key]
        values = current if isinstance(current, list | tuple) else [current]
        for text in parameters.pop(key):
            if text and not any(_same(value, text) for value in values):
                sentence = f"The link's {key} {text!r} is not here and was ignored."
                place.warning(sentence)
                state().ignored.append(sentence)


def _same(value: Any, text: str) -> bool:
    try:
        return float(value) == float(text)
    except (TypeError, ValueError):
        return str(value).lower() == text.lower()
