"""Who looks at a page: a browser by its cookie, whatever its tabs; without cookies the tab."""

from __future__ import annotations

import hashlib

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from convmixer_viz.app.middleware import PERSON, is_person
from convmixer_viz.commands.app import is_public


def browser() -> str | None:
    """The cookie's value; none without cookies."""
    name = st.context.cookies.get(PERSON, "")
    return name if isinstance(name, str) and is_person(name) else None  # AppTest has no cookies


def person() -> str:
    """Who asks for work, and takes turns with others."""
    context = get_script_run_ctx()
    return browser() or (context.session_id if context else "")


def visitor() -> str | None:
    """The stranger who looks at a page of a public server; none elsewhere, and in threads that
    work for everybody."""
    if not is_public() or get_script_run_ctx(suppress_warning=True) is None:
        return None
    return hashlib.sha256(person().encode()).hexdigest()[:32]
