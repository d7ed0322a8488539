"""What a survey says of the chosen kernel, and of the channel of its number after mixing."""

from __future__ import annotations

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import chart, kernels
from convmixer_viz.app.components.data import pictures_of, slot_of
from convmixer_viz.app.state import state
from convmixer_viz.catalog import SURVEY
from convmixer_viz.figures import pictures as tiles, style, survey as figures
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.survey import SIDES, Survey
from convmixer_viz.weights import survey_numbers


def show(preset: Preset, block: int, channel: int) -> None:
    """Strongest windows and class means, or how to get them."""
    slot = slot_of(preset.name)
    result = session.last_shown(SURVEY, slot=slot)
    if result is None or slot not in state().surveyed:
        numbers = survey_numbers.read(preset)
        if numbers is not None:
            show_use(numbers, (0, block - 1, channel))
        st.caption(
            "A survey on the page Data brings this kernel's strongest windows of a whole data set, "
            "which classes move it, and how often it is silent."
        )
        return
    for number, side in enumerate(SIDES):
        place = (number, block - 1, channel)
        st.markdown(f"**{side.capitalize()} {channel} of block {block} in the survey**")
        show_windows(preset, result, place)
        show_use(result, place)


def show_use(result: figures.Counts, place: tuple[int, int, int]) -> None:
    """Which classes move it, how selective it is and how often silent."""
    sentence, side = figures.describe_use(result, place), SIDES[place[0]]
    chart.draw(figures.draw_class_use(result, place, side), sentence, f"use-{side}")
    st.caption(escape(sentence))


def show_windows(preset: Preset, result: Survey, place: tuple[int, int, int]) -> None:
    """The strongest answers' windows, one a picture at most."""
    some = [int(number) for number in result.pictures[place] if number >= 0]
    where = tuple(tuple(token) for token in result.tokens[place].tolist()[: len(some)])
    pngs = _windows(preset, preset.shape.kernel_size, tuple(some), where, pictures_of(preset.name))
    answers = result.answers[place][: len(some)].tolist()
    words = [result.classes[int(result.reference[number])] for number in some]
    captions = [f"{word}: {answer:.3g}" for word, answer in zip(words, answers, strict=True)]
    kernels.show_windows(pngs, captions, key=f"survey-{SIDES[place[0]]}")


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs={Drawn: lambda d: d.identity})
def _windows(
    _preset: Preset,
    kernel_size: int,
    numbers: tuple[int, ...],
    where: tuple[tuple[int, int], ...],
    drawn: Drawn,
) -> list[bytes]:
    """PNGs of about 96 px."""
    patch = _preset.shape.patch_size
    pngs = []
    for number, token in zip(numbers, where, strict=True):
        view = prepare(drawn[number], _preset.transform).view
        window = tiles.window(view, token, kernel_size, patch)
        pngs.append(style.png(window, scale=max(1, 96 // len(window))))
    return pngs
