"""What a link asked for in vain: said until the person's first change."""

from __future__ import annotations

from typing import Any, NoReturn

import streamlit as st


def begin() -> Any:
    """Open a run, at the sidebar's top: a place with what is known to be in vain. A link is read
    once a session, before the widgets: they take out of it what they don't know."""
    state, place = st.session_state, st.sidebar.container()
    if "_asked" not in state:
        state["_asked"] = {key: st.query_params.get_all(key) for key in st.query_params}
    if not state.pop("_again", False):
        state["_in_vain"] = []
    for words in state["_in_vain"]:
        place.warning(words)
    return place


def settle(place: Any) -> None:
    """Hold what the link asked for against the widgets that have been drawn since."""
    asked = st.session_state["_asked"]
    for key in [key for key in asked if key in st.session_state]:
        held = st.session_state[key]
        values = held if isinstance(held, list | tuple) else [held]
        for text in asked.pop(key):
            if text and not any(_same(value, text) for value in values):
                words = f"The link's {key} {text!r} is not here and was ignored."
                place.warning(words)
                st.session_state["_in_vain"].append(words)


def again() -> NoReturn:
    """Run the page again, not by the person's doing."""
    st.session_state["_again"] = True
    st.rerun()


def _same(value: Any, text: str) -> bool:
    try:
        return float(value) == float(text)
    except (TypeError, ValueError):
        return str(value).lower() == text.lower()
