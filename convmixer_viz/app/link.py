"""The link to a view: what stands in it, and which of its values had no effect."""

from __future__ import annotations

import difflib
import math
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app import session
from convmixer_viz.app.state import state
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import MOST_SIDE_BY_SIDE

BOUND: Final = "query-params"  # a widget's `bind`: its value stands in the link under its key
NAMES = ("picture", "preset", "target", "against")  # keys of words: a class may be called inf
MOST_SENTENCES = 4  # that a warning makes of a link
LONGEST = 80  # characters of a link's word that a sentence repeats


def begin() -> DeltaGenerator:
    """Open a run of the script, at the sidebar's top: the place of one warning, with what is known
    so far. It stays until the person's first change. A link is read once a session, before the
    widgets: these take out of it what they don't know."""
    if state().link is None:
        _read()
    place = st.sidebar.empty()
    if not state().rerun_by_app:
        state().ignored = {}
    state().rerun_by_app = False
    _warn(place)
    return place


def _read() -> None:
    """Keep the link's parameters; a number without end, on which widgets of whole numbers fail, is
    taken out of the link, which Streamlit reads anew in the next run."""
    parameters = {key: st.query_params.get_all(key) for key in st.query_params}
    state().link = parameters
    endless = [
        key for key in parameters if key not in NAMES and any(map(_endless, parameters[key]))
    ]
    for key in endless:
        del st.query_params[key]
    if endless:
        session.rerun()


def _endless(text: str) -> bool:
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return False


def check(place: DeltaGenerator) -> None:
    """Compare the link's values with those of the widgets that have been drawn since."""
    parameters = state().link or {}
    for key in [key for key in parameters if key in st.session_state]:
        current = st.session_state[key]
        values = current if isinstance(current, list | tuple) else [current]
        for text in parameters.pop(key):
            if text and not any(_same(value, text) for value in values):
                part = f"{escape(key)} {escape(repr(text), longest=LONGEST)}"
                state().ignored[part] = f"The link's {part} {_why(key, text)} and was ignored."
    _warn(place)


def check_rest(place: DeltaGenerator) -> None:
    """Once the page is whole: tell of the parameters that none of its widgets took."""
    rest = [key for key in state().link or {} if key not in state().without_widget]
    for key in rest:
        near = difflib.get_close_matches(key[:LONGEST], _names(), 1)
        hint = f": did you mean {near[0]}?" if near else "."
        part = escape(repr(key), longest=LONGEST)
        state().ignored[part] = f"The link's {part} has no effect on this page{hint}"
    state().without_widget.update(rest)
    _warn(place)


def _names() -> list[str]:
    """What a link may say here; keys of buttons and tables are no identifiers."""
    return [key for key in map(str, st.session_state) if key.isidentifier() or key in NAMES]


def _why(key: str, text: str) -> str:
    if key == "preset" and text in session.bench().presets:
        return f"is one too many, {MOST_SIDE_BY_SIDE} at most,"
    return "is not here"


def _warn(place: DeltaGenerator) -> None:
    """A sentence a part without effect; of many one sentence."""
    parts = state().ignored
    if len(parts) > MOST_SENTENCES:
        place.warning(f"{len(parts)} parts of the link have no effect here: {', '.join(parts)}.")
    elif parts:
        place.warning("\n\n".join(parts.values()))


def _same(value: Any, text: str) -> bool:
    try:
        return float(value) == float(text)
    except (TypeError, ValueError):
        return str(value).lower() == text.lower()
