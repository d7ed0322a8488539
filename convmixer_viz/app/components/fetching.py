"""A preset's weights: where they are, fetching them with progress, removing them."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app import session
from convmixer_viz.app.state import state
from convmixer_viz.contract import Step, Steps
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import collection, locate

MB = 1e6


@dataclass(slots=True)
class Fetch:
    """A fetch that goes on whoever looks; several people may look at the same one."""

    steps: Steps[Any]
    lock: Lock = field(default_factory=Lock)
    step: Step[Any] | None = None  # the latest; it counts bytes
    error: str = ""

    def poll(self) -> bool:
        """Wait for the next step, a quarter of a second at most; whether more will come."""
        with self.lock:
            try:
                self.step = next(self.steps)
            except StopIteration:
                return False
            except VizError as error:
                self.error = str(error)
                return False
        return True

    def cancel(self) -> None:
        """End it; nothing incomplete stays."""
        with self.lock:
            self.steps.close()

    def show(self, place: DeltaGenerator) -> None:
        """Draw how far it is."""
        if self.step is None:
            place.progress(0.0, "asking the hub")
        elif self.step.done >= self.step.total:
            place.progress(1.0, "checking every tensor")
        else:
            done, total = self.step.done / MB, self.step.total / MB
            place.progress(done / total, f"{done:.1f} of {total:.1f} MB")


@st.cache_resource
def fetches() -> dict[str, Fetch]:
    """The fetches of this server that go on, by preset."""
    return {}


def draw(preset: Preset) -> None:
    """Where a preset's weights are; what isn't here is fetched on a click, never unasked."""
    line, button = st.columns([5, 1], vertical_alignment="center")
    place, fetch, source = line.empty(), fetches().get(preset.name), locate.location(preset)
    if fetch:
        button.button("Cancel", key="fetch", on_click=_cancel, args=(preset.name,))
        fetch.show(place)
        state().followed_fetch = (preset.name, place)
    elif source.kind == "missing" and preset.published:
        size = f"Fetch {preset.published.megabytes} MB"
        button.button(size, key="fetch", on_click=_start, args=(preset.name,))
        failure = state().fetch_failures.get(preset.name)
        (place.error if failure else place.info)(escape(failure or locate.how_to_get(preset)))
    else:
        size = f"{source.bytes / MB:.1f} MB, sha256 {source.sha256}" if source.bytes else ""
        place.caption(escape(f"{source.kind}: {source.origin}. {size}"))
        if source.kind in ("added", "fetched"):
            button.button("Remove", key="fetch", on_click=_remove, args=(preset.name,))


def follow() -> None:
    """Follow the fetch that the page shows, then run the page again; the page's last line."""
    followed = state().followed_fetch
    state().followed_fetch = None
    if followed is None:
        return
    name, place = followed
    fetch = fetches().get(name)
    if fetch is None:
        return
    while fetch.poll():
        fetch.show(place)
    if fetch.error:
        state().fetch_failures[name] = fetch.error
    fetches().pop(name, None)
    session.rerun()


def _start(name: str) -> None:
    state().fetch_failures.pop(name, None)
    fetches().setdefault(name, Fetch(collection.fetch(name)))


def _cancel(name: str) -> None:
    fetch = fetches().pop(name, None)
    if fetch:
        fetch.cancel()


def _remove(name: str) -> None:
    collection.remove(name)
    chosen = st.session_state.get("preset", [])
    st.session_state["preset"] = [other for other in chosen if other in locate.all_presets()]
