"""All that the app remembers of one person, but for the values of widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.contract import Result
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.request import Request

KEY = "_state"  # of the one object in Streamlit's session state that is no widget's value


@dataclass(frozen=True, slots=True)
class Choices:
    """The sidebar's choices, all of them names: a link holds them."""

    presets: tuple[str, ...]
    picture: str
    target: str | None
    against: str | None
    block: int
    device: str
    mode: Literal["exact", "fast"]
    edits: tuple[str, ...] = ()  # of the first preset, in their order
    picture_edits: tuple[str, ...] = ()  # of the picture, in their order

    @property
    def preset(self) -> str:
        """The first preset: the one that single-model pages show."""
        return self.presets[0]


@dataclass(frozen=True, slots=True)
class PendingWork:
    """A result that the page waits for, and where its progress is drawn."""

    request: Request[Any]
    bar: DeltaGenerator
    still: str  # what is shown until it is there, in a sentence
    sketch: Callable[[Any], object] | None = None  # draws a partial result


@dataclass(slots=True)
class State:
    """One person's state. Requests are known by their digest."""

    # of the current run of the script
    choices: Choices | None = None  # what the sidebar says
    pending: list[PendingWork] = field(default_factory=list)  # in the page's order
    shown: list[Result] = field(default_factory=list)  # results on the page, for its foot
    fetches: dict[str, DeltaGenerator] = field(default_factory=dict)  # preset: where its bar stands
    untrained: set[str] = field(default_factory=set)  # presets whose untrained twin is shown
    work: str = ""  # what begins or rests, for a screen reader

    # of the work for the page's results
    last_shown: dict[str, str] = field(default_factory=dict)  # slot: digest of its last result
    started: set[str] = field(default_factory=set)  # slow work whose button was pressed
    stopped: set[str] = field(default_factory=set)  # work that the person stopped
    failures: dict[str, str] = field(default_factory=dict)  # digest: why the work failed

    # of the link that the page was opened with
    link: dict[str, list[str]] | None = None  # its parameters that no widget has answered yet
    ignored: dict[str, str] = field(default_factory=dict)  # its parts without effect: a sentence
    without_widget: set[str] = field(default_factory=set)  # its parameters that were told of
    rerun_by_app: bool = False  # the next run is no act of the person's

    # of the guided first look
    look_step: int | None = None  # the step that is shown, from 0
    look_moved: bool = False  # it was just reached: its page opens
    look_ended: bool = False  # it was gone through, or skipped

    # of uploads, pictures that are picked and fetched weights
    uploads: set[str] = field(default_factory=set)  # file ids that were chosen on arrival
    unreadable: dict[str, str] = field(default_factory=dict)  # file id: what is wrong with it
    data_pictures: list[str] = field(default_factory=list)  # of data sets, by the link's name
    clicked_set: str = ""  # the data set whose pictures a page offers for a click
    data_choices: dict[str, Any] = field(default_factory=dict)  # of the page Data, by key
    surveyed: dict[str, Drawn] = field(default_factory=dict)  # slot: what its survey was of
    picks: dict[str, int] = field(default_factory=dict)  # canvas: number of its last pick
    fetch_failures: dict[str, str] = field(default_factory=dict)  # preset: why its fetch failed
    added: tuple[str, tuple[str, ...]] | None = None  # the last preset, what was assumed
    weights_added: int = 0  # files of weights, so far
    refused: str = ""  # why weights were not added, to be told once


def state() -> State:
    """The state of the person whose page this is."""
    if KEY not in st.session_state:
        st.session_state[KEY] = State()
    current: State = st.session_state[KEY]
    return current
