"""The progress line: a bar and one button, of fixed height, whether it is empty or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from convmixer_viz.contract import Step
from convmixer_viz.request import Request

HEIGHT = 48  # px


@dataclass(frozen=True, slots=True)
class Wanted:
    """Work that a page waits for, and the bar that tells of it."""

    request: Request[Any]
    bar: Any
    sketch: Callable[[Any], object] | None = None  # draws what there is so far


def draw(slot: str) -> tuple[Any, Any]:
    """Places for a bar and a button that are always there: what stands in them is replaced at
    once; an element that goes would stay as a ghost until the run's end."""
    line = st.container(height=HEIGHT, border=False, key=f"line-{slot}")
    bar, button = line.columns([6, 1], vertical_alignment="center")
    return bar.empty(), button.empty()


def fill(
    line: tuple[Any, Any],
    slot: str,
    wanted: Request[Any],
    *,
    standing: Step[Any] | None,
    start: str,
) -> bool:
    """Tell of missing work, and whether it should run: what was stopped or not begun rests.
    `start` names a button that it waits for, `standing` is how far it was when it stopped."""
    bar, button = line
    idle = bool(start) and wanted.digest not in _known("_begun")
    failed: dict[str, str] = st.session_state.setdefault("_failed", {})
    resting = idle or wanted.digest in _known("_paused") or wanted.digest in failed
    button.button(
        start if idle else "Go on" if resting else "Stop",
        key=f"go-{slot}",
        on_click=_go if resting else _pause,
        args=(wanted.digest,),
    )
    if wanted.digest in failed:
        bar.error(failed[wanted.digest])
    elif resting:
        bar.caption(f"Stopped at {standing.done} of {standing.total}." if standing else "")
    else:
        bar.progress(0.0, f"{wanted.analysis}: waiting for its turn")
    return not resting


def describe(request: Request[Any], step: Step[Any]) -> str:
    """What runs, how far it is, how long it takes and who else waits."""
    queue = f" · {step.ahead} other jobs share {request.key.device}" if step.ahead else ""
    return f"{request.analysis}, {request.preset.name}: {step.describe()}{queue}"


def _known(name: str) -> set[str]:
    digests: set[str] = st.session_state.setdefault(name, set())
    return digests


def _go(digest: str) -> None:
    _known("_begun").add(digest)
    _known("_paused").discard(digest)
    st.session_state["_failed"].pop(digest, None)


def _pause(digest: str) -> None:
    _known("_paused").add(digest)
