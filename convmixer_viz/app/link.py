"""The link to a view: what stands in it, and which of its values had no effect."""

from __future__ import annotations

import difflib
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app.state import state

BOUND: Final = "query-params"  # a widget's `bind`: its value stands in the link under its key


def begin() -> DeltaGenerator:
    """Open a run of the script, at the sidebar's top: the place of one warning, with what is known
    so far. It stays until the person's first change. A link is read once a session, before the
    widgets: these take out of it what they don't know."""
    place = st.sidebar.empty()
    if state().link is None:
        state().link = {key: st.query_params.get_all(key) for key in st.query_params}
    if not state().rerun_by_app:
        state().ignored = []
    state().rerun_by_app = False
    _warn(place)
    return place


def check(place: DeltaGenerator) -> None:
    """Compare the link's values with those of the widgets that have been drawn since."""
    parameters = state().link or {}
    for key in [key for key in parameters if key in st.session_state]:
        current = st.session_state[key]
        values = current if isinstance(current, list | tuple) else [current]
        for text in parameters.pop(key):
            if text and not any(_same(value, text) for value in values):
                state().ignored.append(f"The link's {key} {text!r} is not here and was ignored.")
    _warn(place)


def check_rest(place: DeltaGenerator) -> None:
    """Once the page is whole: tell of the parameters that none of its widgets took."""
    rest = [key for key in state().link or {} if key not in state().without_widget]
    for key in rest:
        near = difflib.get_close_matches(key, map(str, st.session_state), 1)
        hint = f": did you mean {near[0]}?" if near else "."
        state().ignored.append(f"The link's {key!r} has no effect on this page{hint}")
    state().without_widget.update(rest)
    _warn(place)


def _warn(place: DeltaGenerator) -> None:
    if state().ignored:
        place.warning("\n\n".join(state().ignored))


def _same(value: Any, text: str) -> bool:
    try:
        return float(value) == float(text)
    except (TypeError, ValueError):
        return str(value).lower() == text.lower()
