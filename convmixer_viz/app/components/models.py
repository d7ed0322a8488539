"""Parts of the models page: the table, fetching with progress, adding and removing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components.sidebar import MOST_PRESETS
from convmixer_viz.app.state import state
from convmixer_viz.errors import VizError
from convmixer_viz.presets import architecture
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import collection, locate, summary

MAX_UPLOAD = 300  # MB; the largest published file has 207
OWN = "a preset of its own"
UNSAID = "not known"
MB = 1e6


@dataclass(slots=True)
class Job:
    """A fetch that goes on whoever looks; several people may look at the same one."""

    steps: Iterator[Any]
    lock: Lock = field(default_factory=Lock)
    last: Any = None
    error: str = ""

    def poll(self) -> bool:
        """Wait for the next step, a quarter of a second at most; whether more will come."""
        with self.lock:
            try:
                self.last = next(self.steps)
            except StopIteration:
                return False
            except VizError as error:
                self.error = str(error)
                return False
        return True

    def cancel(self) -> None:
        """End it; nothing incomplete stays."""
        with self.lock:
            self.steps.close()  # type: ignore[attr-defined]

    def show(self, slot: Any) -> None:
        """Draw how far it is."""
        if self.last is None:
            slot.progress(0.0, "asking the hub")
        elif self.last.done >= self.last.total:
            slot.progress(1.0, "checking every tensor")
        else:
            done, total = self.last.done / MB, self.last.total / MB
            slot.progress(done / total, f"{done:.1f} of {total:.1f} MB")


@st.cache_resource
def _jobs() -> dict[str, Job]:
    return {}


def table() -> None:
    """All presets, sortable; a click on a row makes it the first preset everywhere."""
    rows = [_row(preset) for preset in locate.known().values()]
    number, whole = st.column_config.NumberColumn, st.column_config.NumberColumn(format="localized")
    st.dataframe(
        rows, hide_index=True, key="models", on_select=_pick, selection_mode="single-row",
        height="content", placeholder="–",
        column_config={
            "preset": st.column_config.TextColumn(width=190),
            "parameters": whole,
            "10⁹ multiply-adds": number(format="%.2f", help="Of one picture, all counted."),
            "as published": number(format="%.2f", help=architecture.NOT_COUNTED),
            "top-1 %": number(format="%.2f", help="Published on ImageNet-1k, or measured here."),
            "MB": number(format="%.1f"),
        },
    )  # fmt: skip


def _row(preset: Preset) -> dict[str, Any]:
    facts = summary.facts(preset)
    published = facts["published_multiply_adds"]
    return {
        "preset": preset.name,
        "weights": facts["weights"],
        "top-1 %": facts["top1"],
        "that is": facts["top1_is"].split()[0].rstrip(",") if facts["top1"] else None,
        "parameters": facts["parameters"],
        "10⁹ multiply-adds": facts["multiply_adds"] / 1e9,
        "as published": published / 1e9 if published else None,
        "MB": facts["bytes"] / MB if facts["bytes"] else None,
        "sha256": facts["sha256"][:8],
        "licence": facts["licence"],
    }


def _pick() -> None:
    picked = st.session_state["models"]["selection"]["rows"]
    if picked:
        _choose(list(locate.known())[picked[0]])


def _choose(name: str) -> None:
    """Make a preset the first one, which most pages show."""
    others = [other for other in st.session_state.get("preset", []) if other != name]
    st.session_state["preset"] = [name, *others][:MOST_PRESETS]


def place(preset: Preset) -> None:
    """Where a preset's weights are; what isn't here is fetched on a click, never unasked."""
    line, button = st.columns([5, 1], vertical_alignment="center")
    slot, job, found = line.empty(), _jobs().get(preset.name), locate.source(preset)
    failed = state().fetch_failures.get(preset.name)
    if job:
        button.button("Cancel", key="fetch", on_click=_cancel, args=(preset.name,))
        job.show(slot)
        state().followed_fetch = (preset.name, slot)
    elif found.kind == "missing" and preset.published:
        size = f"Fetch {preset.published.megabytes} MB"
        button.button(size, key="fetch", on_click=_start, args=(preset.name,))
        (slot.error if failed else slot.info)(failed or locate.missing(preset))
    else:
        told = f"{found.bytes / MB:.1f} MB, sha256 {found.sha256}" if found.bytes else ""
        slot.caption(f"{found.kind}: {found.origin}. {told}")
        if found.kind in ("added", "fetched"):
            button.button("Remove", key="fetch", on_click=_remove, args=(preset.name,))


def follow() -> None:
    """Follow the fetch that the page shows, then run the page again; the page's last line."""
    name, slot = state().followed_fetch or ("", None)
    state().followed_fetch = None
    job = _jobs().get(name)
    if job is None:
        return
    while job.poll():
        job.show(slot)
    if job.error:
        state().fetch_failures[name] = job.error
    _jobs().pop(name, None)
    session.rerun()


def _start(name: str) -> None:
    state().fetch_failures.pop(name, None)
    _jobs().setdefault(name, Job(collection.fetch(name)))


def _cancel(name: str) -> None:
    job = _jobs().pop(name, None)
    if job:
        job.cancel()


def _remove(name: str) -> None:
    collection.remove(name)
    chosen = st.session_state.get("preset", [])
    st.session_state["preset"] = [other for other in chosen if other in locate.known()]


def add() -> None:
    """A form for weights of one's own; what the file left open and was assumed is said."""
    file = st.file_uploader(
        "Weights: safetensors, or a state dict by torch.save", key="weights-file",
        max_upload_size=MAX_UPLOAD,
    )  # fmt: skip
    published = [p.name for p in locate.known().values() if locate.source(p).kind == "missing"]
    replaces = st.selectbox("These weights are", [OWN, *published], key="weights-as")
    if replaces == OWN:
        _questions()
    st.button("Verify and add", disabled=file is None, key="weights-add", on_click=_add)
    if state().refused:
        st.error(state().refused)
        state().refused = ""


def _add() -> None:
    """Check the file, add it and choose it; before the run, so that the sidebar knows it."""
    file, replaces = (st.session_state[f"weights-{name}"] for name in ("file", "as"))
    said = _answers() if replaces == OWN else {"replaces": replaces}
    try:
        added = collection.add_upload(file.getvalue(), file.name, **said)
    except VizError as error:
        state().refused = str(error)
        return
    state().added = (added.preset.name, added.assumed)
    _choose(added.preset.name)


def news() -> None:
    """What was added last, said once."""
    name, assumed = state().added or ("", ())
    state().added = None
    if name:
        words = f"Assumed: {'; '.join(assumed)}." if assumed else "Nothing had to be assumed."
        st.success(f"{name} was verified and added, and is the chosen preset now: every page "
                   f"shows it. {words}")  # fmt: skip


def _questions() -> None:
    """What a file of weights doesn't say."""
    left, middle, right = st.columns(3)
    left.text_input("Name", key="weights-name", placeholder="the file's")
    middle.selectbox("Activation", [UNSAID, "gelu", "relu"], key="weights-activation")
    known = [UNSAID, *locate.known()]
    right.selectbox("Pictures are prepared as for", known, key="weights-preprocess")
    left.checkbox("Residual around the depthwise step", True, key="weights-residual")
    middle.file_uploader("Class names: text or JSON", key="weights-classes",
                         help="One name a line, or a JSON list; without it classes are "
                         "numbers.")  # fmt: skip


def _answers() -> dict[str, Any]:
    name, activation, preprocess, skip, names = (
        st.session_state[f"weights-{key}"]
        for key in ("name", "activation", "preprocess", "residual", "classes")
    )
    return {
        "name": name or None,
        "activation": None if activation == UNSAID else activation,
        "preprocess": None if preprocess == UNSAID else preprocess,
        "residual": None if skip else False,
        "class_data": names.getvalue() if names else None,
    }
