"""A preset's weights: where they are, fetching them with progress, removing them."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app import person, session
from convmixer_viz.app.state import state
from convmixer_viz.commands.app import is_public
from convmixer_viz.contract import Step, Steps
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import collection, hub, locate, user_folder

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

    def stop(self) -> None:
        """End it; what has come stays for the next fetch to go on from."""
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
    place, key, source = line.empty(), f"fetch-{preset.name}", locate.location(preset)
    fetch = fetches().get(preset.name)
    if fetch:
        if not is_public():
            button.button("Stop", key=key, on_click=_stop, args=(preset.name,))
        fetch.show(place)
        state().fetches[preset.name] = place
    elif source.kind == "missing" and preset.published:
        begun = hub.begun_bytes(preset)
        label = "Go on" if begun else f"Fetch {preset.published.megabytes} MB"
        if not is_public():
            button.button(label, key=key, on_click=_start, args=(preset.name,))
        failure = state().fetch_failures.get(preset.name)
        (place.error if failure else place.info)(escape(failure or _missing(preset, begun)))
    elif source.kind == "missing":
        place.info(escape(locate.how_to_get(preset)))
    else:
        size = f"{source.bytes / MB:.1f} MB, sha256 {source.sha256}" if source.bytes else ""
        place.caption(escape(f"{source.kind}: {source.origin}. {size}"))
        if _may_remove(preset, source):
            button.button("Remove", key=key, on_click=_remove, args=(preset.name,))


def _may_remove(preset: Preset, source: locate.Location) -> bool:
    """What was added or fetched here; by strangers, what they added themselves."""
    entry = user_folder.entries().get(preset.name)
    own = not is_public() or (entry is not None and entry.visitor == person.visitor())
    return own and source.kind in ("added", "fetched")


def _missing(preset: Preset, begun: int) -> str:
    """What isn't here, where it is from, and how much of it has come."""
    published = preset.published
    assert published is not None
    stopped = f" Stopped at {begun / MB:.1f} MB, which stay for a day." if begun else ""
    owners = " Fetching them is for who runs this server." if is_public() else ""
    return (
        f"The weights of {preset.name} are not here: {published.megabytes} MB, {published.hub} "
        f"on the Hugging Face hub.{stopped}{owners}"
    )


def follow() -> None:
    """Follow the fetches that the page shows, then run the page again; the router's last line."""
    places = {name: place for name, place in state().fetches.items() if name in fetches()}
    state().fetches = {}
    while places:
        for name, place in places.items():
            fetch = fetches().get(name)
            if fetch is None or not fetch.poll():
                _end(name, fetch)
                session.rerun()
            fetch.show(place)


def _end(name: str, fetch: Fetch | None) -> None:
    if fetch and fetch.error:
        state().fetch_failures[name] = fetch.error
    fetches().pop(name, None)


def _start(name: str) -> None:
    state().fetch_failures.pop(name, None)
    fetches().setdefault(name, Fetch(collection.fetch(name)))


def _stop(name: str) -> None:
    fetch = fetches().pop(name, None)
    if fetch:
        fetch.stop()


def _remove(name: str) -> None:
    preset = locate.all_presets().get(name)
    if preset is None or not _may_remove(preset, locate.location(preset)):
        return  # gone meanwhile, or never theirs
    collection.remove(name)
    chosen = st.session_state.get("preset", [])
    st.session_state["preset"] = [other for other in chosen if other in locate.all_presets()]
