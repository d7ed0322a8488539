"""One person's session: what is chosen, what runs for it, what was there before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import streamlit as st

from convmixer_viz.app.components import links, progress_line
from convmixer_viz.app.components import pictures as components_pictures
from convmixer_viz.errors import VizError
from convmixer_viz.figures import style
from convmixer_viz.request import Request
from convmixer_viz.workbench import Workbench

PATIENCE = 0.25  # seconds a page waits at a time, so that a click takes over at once


@dataclass(frozen=True, slots=True)
class Choices:
    """The sidebar's choices, all of them names: a link holds them."""

    presets: tuple[str, ...]
    picture: str
    target: str | None
    against: str | None
    block: int
    device: str
    mode: Any

    @property
    def preset(self) -> str:
        """The first preset: the one that single-model pages show."""
        return self.presets[0]


class Waiting(Exception):
    """A page can't go on before its first result is there; the router catches this."""


@st.cache_resource(show_spinner="Starting PyTorch …")
def bench() -> Workbench:
    """The one workbench of this server."""
    return Workbench(os.environ.get("CONVMIXER_VIZ_DEVICE", "auto"))


def choices() -> Choices:
    """What the sidebar says in this run."""
    chosen: Choices = st.session_state["_choices"]
    return chosen


def begin(chosen: Choices) -> None:
    """Open a run: called by the router before the page."""
    st.session_state["_choices"] = chosen
    st.session_state["_wanted"] = []
    st.session_state["_told"] = []


def ask(analysis: str, *, preset: str | None = None, **options: Any) -> Request[Any]:
    """A request with the sidebar's picture, preset, device and mode unless told otherwise."""
    chosen = choices()
    pictures = options.pop("pictures", None)
    if pictures is None and takes_pictures(analysis):
        pictures = [components_pictures.find(chosen.picture)]
    return bench().request(
        analysis,
        pictures or (),
        preset=preset or chosen.preset,
        device=options.pop("device", chosen.device),
        mode=options.pop("mode", chosen.mode),
        **options,
    )


def takes_pictures(analysis: str) -> bool:
    """Whether an analysis looks at pictures at all."""
    return bench().catalog[analysis].images != "none"


def run(analysis: str, *, slot: str | None = None, start: str | None = None, **options: Any) -> Any:
    """The wanted result, or the last finished one of this slot with its own caption, under one
    line of fixed height with progress, time left and a button. Without either the page ends here
    for now. `start` names a button that slow work waits for; `slot` tells two calls apart."""
    result = run_if(analysis, slot=slot, start=start, **options)
    if result is None:
        raise Waiting
    return result


def run_if(
    analysis: str,
    *,
    slot: str | None = None,
    start: str | None = None,
    sketch: Callable[[Any], object] | None = None,
    **options: Any,
) -> Any | None:
    """As run(), but None where there is nothing to show yet: the page goes on without it. While
    the work runs, `sketch` draws what there is so far, unless an older result stands there."""
    slot = slot or f"{analysis}:{options.get('preset') or choices().preset}"
    line, note = progress_line.draw(slot), st.empty()
    try:
        request = ask(analysis, **options)
    except VizError as error:
        line[0].error(str(error))
        return None
    result, before = _at_hand(request, slot)
    if result is None:
        sketch = sketch if before is None else None
        coming = _want(request, slot, line, start=start or "", sketch=sketch)
        if before is not None:
            promise = " The new one is on its way." if coming else ""
            note.caption(f"Still shown: {described(before)}.{promise}")
    return _tell(before if result is None else result)


def several(
    work: dict[str, dict[str, Any]], *, slot: str, together: bool = False
) -> dict[str, Any]:
    """Several results under one line, computed one after another; `work` gives the arguments of
    ask() by name. What is missing is the last finished one of its name, or None for now. Those
    that are shown `together` are of the same pictures: the last whole set, until all are there."""
    line, note = progress_line.draw(slot), st.empty()
    found: dict[str, Any] = dict.fromkeys(work)
    older, held = dict(found), dict(_shown())
    missing: dict[str, Request[Any]] = {}
    for name, arguments in work.items():
        try:
            request = ask(**arguments)
        except VizError as error:
            line[0].error(str(error))
            continue
        found[name], older[name] = _at_hand(request, f"{slot}:{name}:{request.preset.name}")
        missing |= {} if found[name] else {name: request}
    if missing:
        failed = st.session_state.setdefault("_failed", {})
        _want(min(missing.values(), key=lambda request: request.digest in failed), slot, line)
    if missing and together:
        st.session_state["_shown"] = held
        whole = alike(older.values()) and all(older[name] for name in missing)
        found, older = (older, older) if whole else (found, dict.fromkeys(work))
    stale = [request.analysis for name, request in missing.items() if older[name]]
    if stale:
        note.caption(f"Still shown of the choices before: {', '.join(dict.fromkeys(stale))}.")
    return {name: _tell(found[name] or older[name]) for name in work}


def alike(results: Iterable[Any]) -> bool:
    """Whether all that is there was computed of the same pictures."""
    return len({result.provenance.images for result in results if result}) < 2


def _tell(result: Any | None) -> Any | None:
    """Note what the page shows: its foot offers the files."""
    if result is not None:
        shown_results().append(result)
    return result


def shown_results() -> list[Any]:
    """All results that the page shows in this run."""
    results: list[Any] = st.session_state["_told"]
    return results


def _shown() -> dict[str, str]:
    """The digest of what each slot showed last."""
    shown: dict[str, str] = st.session_state.setdefault("_shown", {})
    return shown


def _at_hand(request: Request[Any], slot: str) -> tuple[Any | None, Any | None]:
    """The result, and the one that this slot showed last."""
    before = bench().result_of(_shown().get(slot, ""))
    result = bench().result(request)
    if result is not None:
        _shown()[slot] = request.digest
    return result, before


def _want(
    request: Request[Any],
    slot: str,
    line: tuple[Any, Any],
    *,
    start: str = "",
    sketch: Callable[[Any], object] | None = None,
) -> bool:
    """Whether it comes: what was stopped or not begun rests."""
    coming = progress_line.fill(
        line, slot, request, standing=bench().standing(request), start=start
    )
    if coming:
        st.session_state["_wanted"].append(progress_line.Wanted(request, line[0], sketch))
    return coming


def draw(figure: Any, words: str, key: str | None = None) -> None:
    """A figure with its words for a screen reader."""
    st.plotly_chart(figure, config=style.CONFIG, key=key, alt=words)


def described(result: Any) -> str:
    """One line of provenance: what this is, of which preset, on which device."""
    origin = result.provenance
    return f"{name_of(result)}, {origin.device} {origin.dtype}, {origin.seconds:.2g} s"


def name_of(result: Any) -> str:
    """Which analysis of which model."""
    origin = result.provenance
    twin = "" if origin.untrained_seed is None else f" untrained (seed {origin.untrained_seed})"
    return f"{origin.analysis}, {origin.preset}{twin}"


def follow() -> None:
    """Follow the work that the page waits for, then run the page again; called by the router."""
    wanted: list[progress_line.Wanted] = st.session_state["_wanted"]
    if not wanted:
        return
    work, *_ = wanted  # what is done shows at once; the next run follows the rest
    drawn = None
    try:
        with closing(bench().follow(work.request, PATIENCE)) as steps:
            for step in steps:
                work.bar.progress(
                    step.done / step.total, progress_line.describe(work.request, step)
                )
                if work.sketch and step.partial is not drawn:
                    work.sketch(drawn := step.partial)
    except VizError as error:
        st.session_state["_failed"][work.request.digest] = str(error)
    links.again()
