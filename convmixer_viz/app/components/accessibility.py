"""What Streamlit leaves to do for keyboards, screen readers and phones (with accessibility.js)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from convmixer_viz.app.state import state

DONE = "All that this page shows is computed."
_HTML = '<div role="status"></div>'
_CSS = (
    "div { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }"
)
_JS = Path(__file__).with_suffix(".js").read_text("utf-8")


def draw() -> None:
    """A region that tells a screen reader when the page's work begins, stops and ends; with it come
    the keyboard's and the phone's manners. Called by the router, once the page has run."""
    component = st.components.v2.component("convmixer_accessibility", html=_HTML, css=_CSS, js=_JS)
    component(key="accessibility", data={"message": state().work or DONE})
