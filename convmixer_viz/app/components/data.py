"""Parts of the page Data: the surveys, lists of pictures, two presets, and the map of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from convmixer_viz import agreement
from convmixer_viz.analyses import separation
from convmixer_viz.app import data_pictures, glossary, session
from convmixer_viz.app.components import canvas, chart
from convmixer_viz.app.link import BOUND
from convmixer_viz.app.state import state
from convmixer_viz.catalog import SURVEY
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import pictures as tiles, separation as planes, style, survey as figures
from convmixer_viz.figures.sheet import Sheet
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.presets import classes
from convmixer_viz.questions.survey import Survey
from convmixer_viz.weights import survey_numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EVERY = "all"
SIZES = (EVERY, "500", "2000", "5000")
ANY = "any"
LISTS = ("surest mistakes", "least sure", "class and answer")
SHOWN = 48  # pictures of a list at once
KEPT = ("data", "some", "list", "of_class", "said", "by", "mean_of")  # keys of widgets
CELL = ("cell-class", "cell-said")  # keys of a click on the confusion matrix
WIDTH = 256  # px of a class's mean map


def choose() -> Drawn | None:
    """The data set, or as many of its pictures; none where there is no data set."""
    _bring_back()
    names = list(session.bench().data)
    if not names:
        st.info(glossary.NO_SURVEY_DATA)
        return None
    first, second = st.columns([3, 1])
    name = first.selectbox("Data set", names, _best(names), key="data", bind=BOUND)
    size = second.selectbox("Pictures of it", SIZES, key="some", bind=BOUND, help=glossary.SOME)
    data = session.data_set(name)
    if size == EVERY or int(size) >= len(data):
        return Drawn(data)
    return Drawn(data, int(size))


def _bring_back() -> None:
    """What was chosen when the page was left, whose widgets have forgotten it."""
    for key, value in state().data_choices.items():
        if key not in st.session_state and key not in st.query_params:
            st.session_state[key] = value


def keep_choices() -> None:
    """Note what is chosen on this page, for when it is left and opened again."""
    state().data_choices = {
        key: st.session_state[key] for key in KEPT if st.session_state.get(key) is not None
    }


def _best(names: Sequence[str]) -> int:
    """The first test set of the preset's own classes, by its name."""
    family = session.choices().preset.partition("-")[0]
    likely = [i for i, name in enumerate(names) if family in name and "train" not in name]
    return likely[0] if likely else 0


def slot_of(preset: str) -> str:
    """The slot of a preset's survey, on every page."""
    return f"survey:{preset}"


def survey_each(drawn: Drawn) -> dict[str, Survey]:
    """The chosen presets' surveys, as far as they are there."""
    results = {}
    for preset in session.choices().presets:
        slot = slot_of(preset)
        start = f"Survey {len(drawn):,} pictures with {preset}"
        result = session.run_if(SURVEY, slot=slot, start=start, pictures=drawn, preset=preset)
        if result is not None:
            if result.origin.images == (drawn.identity,):
                state().surveyed[slot] = drawn
            results[preset] = result
    return results


def show_shipped(preset: str) -> None:
    """What ships of a survey with the preset's weights: counts without their pictures."""
    numbers = survey_numbers.read(session.bench().presets[preset])
    if numbers is None:
        st.caption(glossary.SURVEY_COMES)
        return
    st.caption(f"Counted on {escape(numbers.data)}. {glossary.SHIPPED}")
    sentence = figures.describe(numbers)
    chart.draw(figures.draw(numbers), sentence)
    st.caption(escape(sentence))
    half = len(numbers) - len(numbers) // 2
    chart.draw(planes.draw_probe(numbers.probe, half), planes.describe_probe(numbers.probe))
    st.caption(planes.describe_probe(numbers.probe))


def pictures_of(preset: str) -> Drawn:
    """What a preset's survey is of."""
    return state().surveyed[slot_of(preset)]


def show_accuracy(result: Survey) -> None:
    """Confusion and calibration, in a figure and in words."""
    sentence = figures.describe(result)
    chart.draw(figures.draw(result), sentence)
    st.caption(escape(sentence))


def show_lists(preset: str, result: Survey) -> None:
    """The confusion matrix to click on, and the pictures of a cell or another list."""
    labels = session.bench().models.class_labels(preset)
    _take_cell(labels)
    left, right = st.columns([2, 3])
    with left:
        canvas.show(figures.confusion_sheet(result), key="confusion", into=CELL)
        st.caption(
            f"Class down, answer across: from 0 (dark) to {figures.most_confused(result):.1f} % of "
            "a class, its own left out. A click lists the pictures."
        )
    with right:
        numbers = choose_list(result, labels)
        show_pictures(preset, result, numbers, key="tiles")


def _take_cell(labels: Sequence[str]) -> None:
    """A click on the matrix chooses its class and answer, before their widgets are drawn."""
    cell = [st.session_state.pop(key, None) for key in CELL]
    if None not in cell:
        true, said = (labels[int(number)] for number in cell if number is not None)
        st.session_state.update({"list": LISTS[2], "of_class": true, "said": said})


def choose_list(result: Survey, labels: Sequence[str]) -> list[int]:
    """Numbers of the pictures of a list, as many as are shown."""
    first, second, third = st.columns(3)
    kind = first.selectbox("List", LISTS, 0 if result.labelled else 1, key="list", bind=BOUND)
    chosen = kind == LISTS[2]
    options = [ANY, *labels]
    for key in ("of_class", "said"):
        if st.session_state.get(key) not in options:
            st.session_state.pop(key, None)
    true = second.selectbox("Class", options, key="of_class", bind=BOUND, disabled=not chosen)
    said = third.selectbox("Said", options, key="said", bind=BOUND, disabled=not chosen)
    if chosen:
        pair = [None if name == ANY else labels.index(name) for name in (true, said)]
        numbers = result.pictures_of(*pair)
    else:
        numbers = result.least_sure if kind == LISTS[1] else result.surest_mistakes
    found = f"{len(numbers):,} picture{'s' * (len(numbers) != 1)}"
    shown = f", the first {SHOWN} of them" if len(numbers) > SHOWN else ""
    st.caption(f"{found}{shown}. A click makes one the chosen picture of every page.")
    return [int(number) for number in numbers[:SHOWN]]


def show_pictures(preset: str, result: Survey, numbers: Sequence[int], *, key: str) -> None:
    """Pictures of the survey as tiles to click on."""
    if not numbers:
        st.caption("No picture is in this list.")
        return
    drawn = pictures_of(preset)
    own = tuple(drawn.numbers[number] for number in numbers)
    texts = tuple(_text(result, number) for number in numbers)
    state().clicked_set = drawn.data.name
    canvas.show(
        _tiles(drawn.data.sha256, own, texts, drawn), key=key, into=(data_pictures.CLICKED,)
    )


def _text(result: Survey, number: int) -> str:
    said = result.classes[int(result.predicted[number])]
    sure = f"{100 * float(result.confidence[number]):.1f} %"
    true = f"{result.classes[int(result.reference[number])]}, " if result.labelled else ""
    return f"{true}said {said}, {sure}"


@st.cache_data(max_entries=20, show_spinner=False)
def _tiles(sha256: str, numbers: tuple[int, ...], texts: tuple[str, ...], _drawn: Drawn) -> Sheet:
    pixels = [_drawn.data.picture(number).pixels for number in numbers]
    return tiles.sheet(pixels, numbers, texts)


def show_rivals(results: dict[str, Survey]) -> None:
    """Each preset against the first on the same pictures, and where they differ."""
    (name, first), *others = results.items()
    rows = [_row(name, first)]
    for other, result in others:
        try:
            rivalry = result.against(first)
        except ChoiceError as error:
            st.caption(f"{escape(other)}: {escape(error)}")
            continue
        share = rivalry.on_the_firsts_mistakes
        rows.append(
            _row(other, result)
            | {
                "lost": rivalry.lost,
                "won": rivalry.won,
                "McNemar p": f"{rivalry.p_value:.2g}",
                "right where the first is wrong (%)": None if share is None else 100 * share,
            }
        )
        st.markdown(f"**{escape(other)} answers {len(rivalry.differ):,} pictures otherwise**")
        show_pictures(name, first, rivalry.differ[:SHOWN].tolist(), key=f"differ-{other}")
    st.dataframe(rows, hide_index=True)
    st.caption(glossary.RIVALS)


def _row(name: str, result: Survey) -> dict[str, object]:
    right, count = int(result.right.sum()), len(result)
    low, high = agreement.wilson(right, count)
    shares = {"right (%)": 100 * right / count, "from (%)": 100 * low, "to (%)": 100 * high}
    return {"preset": name, "pictures": count} | shares


def show_plane(preset: str, result: Survey, block: int) -> None:
    """The pictures on the block's plane; a click on a point chooses its picture."""
    color = st.selectbox("Colour", planes.COLOURS, key="by", bind=BOUND, width=240)
    digest = state().last_shown[slot_of(preset)]
    figure = planes.draw_plane(result, _planes(digest, result)[block], color)
    st.plotly_chart(
        figure,
        key="plane",
        config=style.CONFIG | {"scrollZoom": True},
        on_select=partial(_pick_point, preset),
        selection_mode="points",
        alt=f"map of the pictures by the features of block {block}",
    )
    st.caption(
        f"Block {block} of {escape(preset)}: a point a picture, on the two principal components of "
        "the pooled features, turned onto the block before. The sidebar's block moves it."
    )


def _pick_point(preset: str) -> None:
    points = st.session_state["plane"].selection.points
    if points:
        chosen = points[0]["customdata"]
        number = chosen[0] if isinstance(chosen, list) else chosen
        state().clicked_set = pictures_of(preset).data.name
        st.session_state[data_pictures.CLICKED] = pictures_of(preset).numbers[int(number)]


@st.cache_data(max_entries=8, show_spinner="Laying out the pictures …")
def _planes(digest: str, _survey: Survey) -> NDArray[np.float64]:
    return separation.planes(_survey)


@st.cache_data(max_entries=8, show_spinner="Fitting the linear probes …")
def _probe(digest: str, _survey: Survey) -> NDArray[np.float64]:
    return separation.probe_accuracy(_survey)


def show_probe(preset: str, result: Survey) -> None:
    """The linear probe's accuracy by block."""
    shares = _probe(state().last_shown[slot_of(preset)], result)
    measured = len(result.feature_pictures) - len(result.feature_pictures) // 2
    chart.draw(planes.draw_probe(shares, measured), planes.describe_probe(shares))
    st.caption(planes.describe_probe(shares))


def show_class_evidence(preset: str, result: Survey) -> None:
    """Where the evidence for a class lies in its pictures, in the mean."""
    labels = session.bench().models.class_labels(preset)
    seen = [labels[index] for index in result.class_pictures.nonzero()[0]]
    if st.session_state.get("mean_of") not in seen:
        st.session_state.pop("mean_of", None)
    name = st.selectbox("Class", seen, key="mean_of", bind=BOUND, width=240)
    picture, scale = figures.evidence_png(result, classes.find(result.classes, name))
    with st.container(key="pixelated-mean"):
        alt = f"mean evidence for {name}: {scale}"
        st.image(picture, width=WIDTH, output_format="PNG", alt=alt)
    count = int(result.class_pictures[labels.index(name)])
    st.caption(
        escape(
            f"Mean of {count:,} pictures, {scale}. In {100 * figures.centre_bias(result):.0f} % of "
            "all pictures the centre of the predicted class's evidence lies in the middle quarter."
        )
    )
