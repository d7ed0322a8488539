"""Weights of one's own: the form, and what was assumed about the file that came in by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, get_args

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from convmixer_viz.app import glossary, middleware, session
from convmixer_viz.app.components import preset_table
from convmixer_viz.app.state import state
from convmixer_viz.commands.app import is_public
from convmixer_viz.errors import BusyError, ChoiceError, VizError
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Activation, Preset
from convmixer_viz.weights import collection, locate

LARGEST_UPLOAD = 300  # MB of weights; the largest published file has 207
OWN = "a preset of its own"
UNKNOWN = "not known"
MOST_AT_ONCE = 2  # files that are read at the same time
PATIENCE = 30  # seconds that another waits

_turns = BoundedSemaphore(MOST_AT_ONCE)


def draw_form() -> None:
    """The file, what it is, and what it leaves open."""
    file = _draw_uploader("weights-file", "Weights: safetensors, or a state dict by torch.save")
    replaces = st.selectbox("These weights are", [OWN, *_replaceable()], key="weights-as")
    if replaces == OWN:
        draw_details()
    st.button("Verify and add", disabled=file is None, key="weights-add", on_click=_add_own)
    if is_public():
        st.caption(glossary.VISITORS_WEIGHTS)
    _tell_refusal()
    draw_last_added()


def draw_upload(preset: Preset) -> None:
    """The file of a preset's own weights, where they are not here."""
    key = f"missing-{preset.name}"
    file = _draw_uploader(key, "Its file, under whatever name")
    answers = {"replaces": preset.name}
    st.button(
        "Verify and add",
        disabled=file is None,
        key=f"add-{preset.name}",
        on_click=_add,
        args=(key, answers),
    )
    _tell_refusal()


def _draw_uploader(key: str, label: str) -> UploadedFile | None:
    """A widget of its own for each file: the one before lets go of what was added."""
    return st.file_uploader(label, key=_numbered(key), max_upload_size=LARGEST_UPLOAD)


def _numbered(key: str) -> str:
    return f"{key}-{state().weights_added}"


def _tell_refusal() -> None:
    if state().refused:
        st.error(escape(state().refused))
        state().refused = ""


def _replaceable() -> list[str]:
    """Presets whose weights may be added: none by strangers, who would add for everybody."""
    presets = () if is_public() else locate.all_presets().values()
    return [each.name for each in presets if locate.location(each).kind == "missing"]


def draw_details() -> None:
    """What a file of weights doesn't tell."""
    left, middle, right = st.columns(3)
    left.text_input("Name", key="weights-name", placeholder="the file's")
    middle.selectbox("Activation", [UNKNOWN, "gelu", "relu"], key="weights-activation")
    presets = [UNKNOWN, *locate.all_presets()]
    right.selectbox("Pictures are prepared as for", presets, key="weights-preprocess")
    left.checkbox("Residual around the depthwise step", True, key="weights-residual")
    middle.file_uploader(
        "Class names: text or JSON", key="weights-classes", help=glossary.CLASS_NAMES
    )


def draw_last_added() -> None:
    """What was added last: what was assumed about it, beside choices to correct that. It stays
    until other weights are added, or its preset is no longer the first."""
    added = state().added
    if added is None or added[0] != session.choices().preset:
        return
    name, assumed = added
    known = f"Assumed: {escape('; '.join(assumed))}." if assumed else "Nothing is assumed."
    st.success(
        f"{escape(name)} was verified and added, and is the chosen preset now: every page shows "
        f"it. {known}"
    )
    if assumed:
        draw_corrections(session.bench().presets[name])


def draw_corrections(preset: Preset) -> None:
    """Choices for what was assumed, which open with what it was."""
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    activations = list(get_args(Activation))
    place = activations.index(preset.shape.activation)
    left.selectbox("Activation", activations, place, key="correct-activation")
    middle.selectbox(
        "Pictures are prepared as for",
        locate.all_presets(),
        None,
        key="correct-preprocess",
        placeholder="as assumed",
    )
    residual = any(preset.shape.residuals)
    right.checkbox("Residual around the depthwise step", residual, key="correct-residual")
    right.button("Correct", key="correct", on_click=_correct, args=(preset,))


def _correct(preset: Preset) -> None:
    activation, preprocess, residual = (
        st.session_state[f"correct-{key}"] for key in ("activation", "preprocess", "residual")
    )
    changed = residual != any(preset.shape.residuals)
    try:
        collection.correct(
            preset.name,
            activation=activation,
            preprocess=preprocess,
            residual=residual if changed else None,
        )
    except VizError as error:
        state().refused = str(error)
        return
    state().added = (preset.name, ())


def _add_own() -> None:
    replaces = st.session_state["weights-as"]
    _add("weights-file", _answers() if replaces == OWN else {"replaces": replaces})


def _add(key: str, answers: dict[str, Any]) -> None:
    """Check the file, add it and choose it; before the run, so that the sidebar knows it."""
    file = st.session_state[_numbered(key)]
    try:
        if answers.get("replaces") and is_public():
            raise ChoiceError(f"Weights of {answers['replaces']} are for who runs this server.")
        with _turn():
            added = collection.add_upload(file.getvalue(), file.name, **answers)
    except VizError as error:
        state().refused = str(error)
        return
    middleware.forget(file)
    state().weights_added += 1
    state().added = (added.preset.name, added.assumed)
    preset_table.choose(added.preset.name)


@contextmanager
def _turn() -> Iterator[None]:
    """Weights are read by a process for each, of several GiB: only so many at once."""
    if not _turns.acquire(timeout=PATIENCE):
        raise BusyError("Other weights are being read: try again in a minute.")
    try:
        yield
    finally:
        _turns.release()


def _answers() -> dict[str, Any]:
    name, activation, preprocess, skip, names = (
        st.session_state[f"weights-{key}"]
        for key in ("name", "activation", "preprocess", "residual", "classes")
    )
    return {
        "name": name or None,
        "activation": None if activation == UNKNOWN else activation,
        "preprocess": None if preprocess == UNKNOWN else preprocess,
        "residual": None if skip else False,
        "class_data": names.getvalue() if names else None,
    }
