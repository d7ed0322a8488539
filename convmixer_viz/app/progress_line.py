"""The progress line: a bar and one button, of fixed height, whether it is empty or not."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app.state import state
from convmixer_viz.contract import Step, clock
from convmixer_viz.foreign_text import escape
from convmixer_viz.request import Request

HEIGHT = 48  # px


class Line(NamedTuple):
    """The places of a line, each for one element."""

    bar: DeltaGenerator
    button: DeltaGenerator
    error: DeltaGenerator  # below them, as high as its words


def draw(slot: str) -> Line:
    """Places for a bar and a button that are always there: what stands in them is replaced at
    once; an element that goes would stay as a ghost until the run's end."""
    line = st.container(
        height=HEIGHT,
        border=False,
        key=f"line-{slot}",
        horizontal=True,
        vertical_alignment="center",
    )
    bar, button = line.container(), line.container(width="content")
    return Line(bar.empty(), button.empty(), st.empty())


def fill(
    line: Line,
    slot: str,
    needed: Request[Any],
    *,
    standing: Step[Any] | None,
    start: str,
    expected: float | None,
    still: str,
) -> bool:
    """Tell of missing work, and whether it should run: what was stopped or not begun rests.
    `start` names a button that it waits for, `standing` is how far it was when it stopped,
    `expected` the seconds that it takes, `still` what is shown in its place."""
    digest = needed.digest
    failure = state().failures.get(digest)
    idle = bool(start) and digest not in state().started
    resting = idle or digest in state().stopped or failure is not None
    line.button.button(
        start if idle else "Go on" if resting else "Stop",
        key=f"go-{slot}",
        on_click=_go_on if resting else _stop,
        args=(digest,),
    )
    if failure is not None:
        line.error.error(f"{escape(failure)} {still}")
    elif resting:
        line.bar.caption(f"{_at_rest(standing, expected)} {still}")
    else:
        line.bar.progress(0.0, f"{needed.analysis.name}: waiting for its turn. {still}")
    if not idle:
        verb = "Failed" if failure else "Stopped" if resting else "Working"
        state().work = state().work or f"{verb}: {needed.analysis.name}, {needed.preset.name}."
    return not resting


def _at_rest(standing: Step[Any] | None, expected: float | None) -> str:
    if standing:
        return f"Stopped at {standing.done} of {standing.total}."
    return f"Takes about {clock(max(1, expected))} here." if expected else ""


def describe(request: Request[Any], step: Step[Any], still: str = "") -> str:
    """What runs, how far it is, how long it takes and who else waits; what is `still` shown."""
    work = f"{request.analysis.name}, {escape(request.preset.name)}"
    if step.place and not step.done:
        soon = f", about {clock(step.seconds_left)}" if step.seconds_left else ""
        return f"{work}: place {step.place} in the queue of {request.key.device}{soon}. {still}"
    others = f"{step.ahead} other job{'s' * (step.ahead > 1)}"
    queue = f" · {others} on {request.key.device}" if step.ahead else ""
    return f"{work}: {step.describe()}{queue}. {still}"


def _go_on(digest: str) -> None:
    state().started.add(digest)
    state().stopped.discard(digest)
    state().failures.pop(digest, None)


def _stop(digest: str) -> None:
    state().stopped.add(digest)
