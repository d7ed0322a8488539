"""What a page asks for: results for the sidebar's choices, and those shown until they are there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar, cast

import streamlit as st

from convmixer_viz.app import person, picture_list, progress_line
from convmixer_viz.app.operation import OPERATION, Account
from convmixer_viz.app.state import Choices, PendingWork, state
from convmixer_viz.commands import cache
from convmixer_viz.commands.app import DATA_VARIABLE, DEVICE_VARIABLE
from convmixer_viz.contract import Analysis, Result, Step
from convmixer_viz.engine import allocator
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.edits import edited_all
from convmixer_viz.pictures.folders import DataSet, Drawn
from convmixer_viz.request import Request
from convmixer_viz.weights import collection, user_folder
from convmixer_viz.workbench import Workbench

R = TypeVar("R", bound=Result)
K = TypeVar("K", bound=Hashable)
PATIENCE = 0.25  # seconds a page waits at a time, so that a click takes over at once
FRESH = 600  # seconds for which a data set's index is not read anew


@dataclass(frozen=True, slots=True)
class Ask(Generic[R]):
    """An analysis and its options by name, before they are checked and completed."""

    analysis: Analysis[R]
    options: dict[str, Any]  # those of the analysis, and preset, edits, pictures, device, mode, …


class Waiting(Exception):
    """A page can't go on before its first result is there; the router catches this."""


@st.cache_resource(show_spinner="Starting PyTorch …")
def bench() -> Workbench:
    """The one workbench of this server."""
    allocator.keep()  # the process is the app's
    collection.sweep()
    device = os.environ.get(DEVICE_VARIABLE, "auto")
    data = json.loads(os.environ.get(DATA_VARIABLE, "{}"))
    user_folder.LOOKING.visitor = person.visitor
    OPERATION.bench = Workbench(device, store_bytes=cache.store_bytes(), data=data)
    return OPERATION.bench


def begin(choices: Choices) -> None:
    """Open a run of the script: called by the router before the page."""
    state().choices = choices
    state().pending = []
    state().shown = []
    state().untrained = set()
    OPERATION.see(person.person())
    state().work = ""


def choices() -> Choices:
    """What the sidebar says in this run."""
    current = state().choices
    assert current is not None, "the router draws the sidebar before it runs a page"
    return current


def ask(analysis: Analysis[R], **options: Any) -> Ask[R]:
    """A question for run_each() and request()."""
    return Ask(analysis, options)


def request(question: Ask[R]) -> Request[R]:
    """The request, with the sidebar's picture and its edits, preset, edits, device and mode where
    the question names no others."""
    chosen, options = choices(), dict(question.options)
    pictures, edits = options.pop("pictures", None), options.pop("picture_edits", None)
    if pictures is None and question.analysis.images != "none":
        pictures = [picture_list.find(chosen.picture)]
        edits = chosen.picture_edits if edits is None else edits
    pictures = edited_all(pictures or (), edits or (), picture_list.find)
    preset = options.pop("preset", None) or chosen.preset
    if preset in state().untrained:
        options.setdefault("random", 0)
    return bench().request(
        question.analysis,
        pictures,
        preset=preset,
        edits=options.pop("edits", chosen.edits if preset == chosen.preset else ()),
        device=options.pop("device", chosen.device),
        mode=options.pop("mode", chosen.mode),
        on_disk=not _of_uploads(pictures) or picture_list.may_be_kept(),
        **options,
    )


def _of_uploads(pictures: Sequence[Picture]) -> bool:
    own = picture_list.own()
    carriers = (pictures,) if isinstance(pictures, Drawn) else pictures
    pasted = (source for each in carriers for source in each.sources)
    named = () if isinstance(pictures, Drawn) else pictures
    return any(each.name in own for each in (*named, *pasted))


@st.cache_resource(ttl=FRESH, max_entries=100, show_spinner="Reading the data set's index …")
def data_set(name: str) -> DataSet:
    """A data set of this server; that its folder has changed is noticed after a while."""
    return bench().pictures(name).data


def run(
    analysis: Analysis[R], *, slot: str | None = None, start: str | None = None, **options: Any
) -> R:
    """The result of the choices, or the last finished one of this slot with its own caption, under
    one line of fixed height with progress, time left and a button. Where there is neither, the
    page ends here (Waiting) until the work is done. `start` names a button that slow work waits
    for; `slot` tells two calls apart."""
    result = run_if(analysis, slot=slot, start=start, **options)
    if result is None:
        raise Waiting
    return result


def run_if(
    analysis: Analysis[R],
    *,
    slot: str | None = None,
    start: str | None = None,
    sketch: Callable[[R], object] | None = None,
    **options: Any,
) -> R | None:
    """As run(), but None where there is nothing to show yet: the page goes on without it. While
    the work runs, `sketch` draws the partial result, unless an older result stands there."""
    slot = slot or f"{analysis.name}:{options.get('preset') or choices().preset}"
    line = progress_line.draw(slot)
    try:
        needed = request(ask(analysis, **options))
    except VizError as error:
        line.error.error(escape(error))
        return None
    before, result = _last_shown(needed, slot), _ready(needed, slot)
    if result is None:
        still = f"Still shown: {escape(before.origin.describe())}." if before else ""
        sketch = None if before else sketch
        _wait_for(needed, slot, line, start=start, still=still, sketch=sketch)
        result = before
    return _shown(result)


def run_each(asks: Mapping[K, Ask[R]], *, slot: str, together: bool = False) -> dict[K, R | None]:
    """A result for each question, under one line, computed one after another. What is missing is
    the last finished one of its name, or None for now. Those that are shown `together` are of the
    same pictures: the last whole set, until all are there."""
    line, wrong = progress_line.draw(slot), list[str]()
    results: dict[K, R | None] = dict.fromkeys(asks)
    before, last_shown = dict(results), dict(state().last_shown)
    missing: dict[K, Request[R]] = {}
    for name, question in asks.items():
        try:
            needed = request(question)
        except VizError as error:
            wrong.append(escape(error))
            continue
        place = f"{slot}:{name}:{needed.preset.name}"
        before[name], results[name] = _last_shown(needed, place), _ready(needed, place)
        if results[name] is None:
            missing[name] = needed
    if missing and together:
        state().last_shown = last_shown
        whole = of_same_pictures(before.values()) and all(before[name] for name in missing)
        results, before = (before, before) if whole else (results, dict.fromkeys(asks))
    if missing:
        failures = state().failures
        stale = [each.analysis.name for name, each in missing.items() if before[name]]
        names = ", ".join(dict.fromkeys(stale))
        still = f"Still shown of the choices before: {names}." if stale else ""
        first = min(missing.values(), key=lambda each: each.digest in failures)
        _wait_for(first, slot, line, still=still)
    if wrong:
        line.error.error("\n\n".join(dict.fromkeys(wrong)))
    return {name: _shown(results[name] or before[name]) for name in asks}


def of_same_pictures(results: Iterable[Any]) -> bool:
    """Whether all that is there was computed of the same pictures, edited alike."""
    origins = [result.origin for result in results if result]
    return len({(origin.images, origin.picture_edits) for origin in origins}) < 2


def at_hand(analysis: Analysis[R], *, slot: str, **options: Any) -> list[R]:
    """The slot's last result, and that of the choices, where they are at hand: no work begins."""
    needed = request(ask(analysis, **options))
    results = (_last_shown(needed, slot), bench().result(needed))
    return [result for result in results if result is not None]


def last_shown(analysis: Analysis[R], *, slot: str) -> R | None:
    """What a slot showed last, on whichever page, where it is of the chosen preset and edits."""
    result = bench().result_of(state().last_shown.get(slot, ""))
    origin, chosen = result.provenance if result else None, choices()
    if origin is None or origin.analysis != analysis.name:
        return None
    same = (origin.preset, origin.edits) == (chosen.preset, chosen.edits)
    return cast("R", result) if same else None


def _shown(result: R | None) -> R | None:
    """Note what the page shows: its foot offers the files."""
    if result is not None:
        state().shown.append(result)
    return result


def _last_shown(needed: Request[R], slot: str) -> R | None:
    """What the slot showed last, of a request like this one: the same analysis, other choices."""
    return cast("R | None", bench().result_of(state().last_shown.get(slot, "")))


def _ready(needed: Request[R], slot: str) -> R | None:
    """The result where it is at hand; the slot shows it from now on."""
    result = bench().result(needed)
    if result is not None:
        state().last_shown[slot] = needed.digest
    return result


def _wait_for(
    needed: Request[R],
    slot: str,
    line: progress_line.Line,
    *,
    still: str,
    start: str | None = None,
    sketch: Callable[[R], object] | None = None,
) -> None:
    """Note the work, where it goes on: what was stopped or not begun rests."""
    running = progress_line.fill(
        line,
        slot,
        needed,
        standing=bench().standing(needed),
        start=start or "",
        expected=bench().estimate(needed) if start else None,
        still=still,
    )
    if running:
        state().pending.append(PendingWork(needed, line.bar, still, sketch))


def follow() -> None:
    """Follow the work that the page waits for, then run the page again; called by the router."""
    if not state().pending:
        return
    work, *_ = state().pending  # what is done shows at once; the next run follows the rest
    account = Account(work.request)
    try:
        with closing(bench().follow(work.request, PATIENCE, person=person.person())) as steps:
            _show_steps(work, account.follow(steps))
    except VizError as error:
        account.refuse(error)
        state().failures[work.request.digest] = str(error)
    finally:  # a click elsewhere ends the run here
        account.close()
    rerun()


def _show_steps(work: PendingWork, steps: Iterable[Step[Any]]) -> None:
    drawn = None
    for step in steps:
        share = step.done / step.total
        work.bar.progress(share, progress_line.describe(work.request, step, work.still))
        if work.sketch and step.partial is not drawn:
            work.sketch(drawn := step.partial)


def rerun() -> NoReturn:
    """Run the page again, not by the person's doing: what the page says once stays."""
    state().rerun_by_app = True
    st.rerun()
