"""A guided first look: six steps through the app, on the person's own picture and preset."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from convmixer_viz.app.state import state

COOKIE = "convmixer_first_look"  # of a browser that has taken or skipped it
YEAR = 365 * 24 * 3600  # seconds
_REMEMBER = f"""
export default function () {{
  document.cookie = "{COOKIE}=ended; path=/; max-age={YEAR}; SameSite=Lax";
}}
"""


class Step(NamedTuple):
    """Where to look, and for what."""

    page: str  # its title
    head: str
    sentence: str


STEPS = (
    Step(
        "Overview",
        "The picture, the model, the answer",
        "On the left the picture as the model sees it, then the model with its real shapes, on the "
        "right what it says and how sure it is. Another picture or preset in the sidebar changes "
        "every page.",
    ),
    Step(
        "Overview",
        "Depth runs from left to right",
        "A column is a block. From top to bottom: some of its kernels, what it sees of the "
        "picture, what its tokens hold as colours, what the head would say of them. Click a "
        "column: that block is chosen on every page.",
    ),
    Step(
        "Kernels",
        "What a block looks with",
        "Each small square is a kernel of the chosen block, red above zero, blue below. Click one: "
        "it stands large on the right, with where it answers on this picture.",
    ),
    Step(
        "Receptive field",
        "How far it sees",
        "Clear pixels reach the token, veiled ones don't. Click another token of the picture, or "
        "a later block below: the field grows with depth.",
    ),
    Step(
        "One token",
        "One patch, number by number",
        "Here every multiplication is shown: from the pixels of one patch through one block to "
        "what that token says of the class. Click another token, or a channel in the tables.",
    ),
    Step(
        "Attribution",
        "What carried the decision",
        "Red tokens speak for the class, blue ones against; with the bias they sum to the logit, "
        "exactly. Below stand other methods, and whether they can be trusted. What if and Compare "
        "are for going on.",
    ),
)


def offer() -> None:
    """A button that begins it; prominent, with one that skips it, until this browser had it."""
    if state().look_step is not None:
        return
    known = state().look_ended or st.context.cookies.get(COOKIE) == "ended"
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="bottom"):
        label = "First look" if known else f"Guided first look, {len(STEPS)} steps"
        st.button(
            label,
            key="look-begin",
            type="tertiary" if known else "primary",
            on_click=_go,
            args=(0,),
        )
        if not known:
            st.button("Skip it", key="look-skip", type="tertiary", on_click=_end)


def draw(title: str, open_page: Callable[[str], None]) -> None:
    """The step that is shown, above the page; where it was just reached, on its own page."""
    _remember()
    step = state().look_step
    if step is None:
        return
    page, head, sentence = STEPS[step]
    if state().look_moved and title != page:
        open_page(page)
    state().look_moved = False
    st.space("small")  # Streamlit's toolbar covers the page's first pixels
    with st.container(border=True, key="first-look"):
        st.markdown(f"**{step + 1} of {len(STEPS)} · {head}** · {sentence}")
        with st.container(horizontal=True):
            last = step == len(STEPS) - 1
            st.button("Back", key="look-back", disabled=not step, on_click=_go, args=(step - 1,))
            if last:
                st.button("Done", key="look-next", type="primary", on_click=_end)
            else:
                st.button("Next", key="look-next", type="primary", on_click=_go, args=(step + 1,))
                st.button("End it here", key="look-end", type="tertiary", on_click=_end)


def _remember() -> None:
    """Once it has ended, tell the browser, so that it is not offered anew."""
    if state().look_ended:
        st.components.v2.component("convmixer_remember", js=_REMEMBER)(key="look-remember")


def _go(step: int) -> None:
    state().look_step, state().look_moved = step, True


def _end() -> None:
    state().look_step, state().look_ended = None, True
