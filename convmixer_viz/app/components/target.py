"""The class that each preset explains: the sidebar's, where it knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.comparison import columns
from convmixer_viz.foreign_text import escape


def question() -> dict[str, str | None]:
    """The sidebar's two classes."""
    chosen = session.choices()
    return {"target": chosen.target, "against": chosen.against}


def note_unknown(presets: Iterable[str]) -> None:
    """A line for each preset that doesn't know the sidebar's classes."""
    for preset in presets:
        unknown = columns.unknown(session.bench(), preset, **question())
        if unknown:
            names = " or ".join(unknown)
            st.caption(escape(f"{preset} does not know {names}: it explains its prediction."))


def questions(presets: Iterable[str]) -> list[dict[str, Any]]:
    """For each preset, itself and its question: the keywords of session.ask()."""
    return [
        {"preset": preset} | columns.explained(session.bench(), preset, **question())
        for preset in presets
    ]
