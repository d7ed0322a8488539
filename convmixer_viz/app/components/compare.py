"""Parts of the page Compare: the columns' heads, and a row with all that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import chart, target
from convmixer_viz.comparison.against_first import Gallery
from convmixer_viz.comparison.columns import Column, choices
from convmixer_viz.comparison.numbers import Table
from convmixer_viz.comparison.rows import COLUMN_NAMES, Row, summary
from convmixer_viz.contract import Result, clock
from convmixer_viz.errors import VizError
from convmixer_viz.figures.style import preset_name
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.weights.facts import accuracy

if TYPE_CHECKING:
    import plotly.graph_objects as go

SEVERAL = "gallery and uploads"
PICTURE_WIDTH = 160  # px
Chart = tuple[str, "go.Figure | None", str]  # head, figure or an empty place, and in words


def show_heads(columns: Sequence[Column]) -> None:
    """The columns' names and accuracies, which stay in view, and a button that moves a preset to
    the left."""
    presets = [column.preset for column in columns if not column.edits]
    heads = st.container(key="compare-heads")
    for place, column in zip(heads.columns(len(columns)), columns, strict=True):
        with place:
            if column.edits:
                st.markdown(f"**{escape(column.title)}**")
                st.caption(escape(" ".join(column.edits)))
            else:
                _show_head(presets, presets.index(column.preset))


def _show_head(presets: Sequence[str], place: int) -> None:
    name, before = presets[place], presets[place - 1]
    move = f"Puts {escape(name)} before {escape(before)}." if place else "The first column."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(name)}**", width="content")
        st.button(
            "",
            icon=":material/arrow_back:",
            type="tertiary",
            key=f"move-{place}",
            on_click=_move_left,
            args=(presets, place),
            disabled=not place,
            help=move,
        )
    share, origin = accuracy(session.bench().presets[name])
    st.caption(escape(origin if share is None else f"Top-1 {share:.2f} %, {origin}"))


def _move_left(presets: Sequence[str], place: int) -> None:
    """The order of the sidebar's presets is the order of columns."""
    order = list(presets)
    order[place - 1 : place + 1] = reversed(order[place - 1 : place + 1])
    st.session_state["preset"] = order


def show_row(
    row: Row[Any], columns: Sequence[Column], pictures: Sequence[Picture], *, opened: bool
) -> list[Result]:
    """A row that folds, below its title; its results where every column is there. A slow one waits
    until it is opened, and says before how long it takes."""
    label = f"{row.title} · {row.name}{_duration(row, columns, pictures)}"
    fold = st.expander(label, opened, key=f"open-{row.name}", on_change="rerun")
    with fold:
        if len(pictures) < row.fewest:
            st.caption(f"Needs {row.fewest} pictures or more: choose {SEVERAL}.")
            return []
        if row.slow and not fold.open:
            return []
        try:
            results = row_results(row, columns, pictures)
            if results and fold.open:
                show_results(row, results)
        except VizError as error:
            st.error(escape(error))
            return []
        return results


def _duration(row: Row[Any], columns: Sequence[Column], pictures: Sequence[Picture]) -> str:
    """How long a slow row will take here, where that is known."""
    if not row.slow or len(pictures) < row.fewest:
        return ""
    options = choices(session.bench(), row, columns, pictures, **target.question())
    try:
        asks = [session.request(session.ask(row.analysis, **own)) for own in options.values()]
    except VizError:
        return ""
    seconds = [session.bench().estimate(each) for each in asks]
    known = sum(each for each in seconds if each)
    return f" · about {clock(max(1, known))}" if known and None not in seconds else ""


def show_summary(sections: Sequence[tuple[Row[Any], Sequence[Result]]]) -> None:
    """A line for each row that is computed: the numbers that stand for it."""
    if sections:
        st.dataframe(summary(sections), hide_index=True, key="summary", placeholder="–")
        st.caption("The rows below open by a click; each has its figures, numbers and agreement.")


def row_results(
    row: Row[Any], columns: Sequence[Column], pictures: Sequence[Picture]
) -> list[Result]:
    """Every column's result; none of them while one is missing."""
    if row.explains:
        target.note_unknown([column.preset for column in columns if not column.edits])
    options = choices(session.bench(), row, columns, pictures, **target.question())
    asks = {column: session.ask(row.analysis, **own) for column, own in options.items()}
    results = session.run_each(asks, slot=f"row-{row.name}", together=True)
    missing = [column.title for column, result in results.items() if not result]
    if missing:
        names = ", ".join(missing)
        st.caption(
            f"This row stands here once all columns are computed; without {escape(names)} so far."
        )
        return []
    return [result for result in results.values() if result]


def show_results(row: Row[Any], results: Sequence[Result]) -> None:
    """The figures, what holds them against the first column, the numbers and the sentence."""
    numbers = row.numbers(results)
    show_beside(charts(row, results, numbers), f"figure-{row.name}")
    if row.reading:
        st.caption(row.reading)
    pairs = row.against_first(results)
    against = [(head, figure, f"{row.title}: {head}") for head, figure in pairs]
    show_beside(against, f"against-{row.name}")
    st.dataframe(
        numbers,
        hide_index=True,
        key=f"numbers-{row.name}",
        placeholder="–",
        column_config=COLUMN_NAMES,
    )
    sentence = row.sentence(results)
    if sentence:
        st.caption(escape(sentence))
    for gallery in row.galleries(results):
        show_gallery(gallery)


def charts(row: Row[Any], results: Sequence[Result], numbers: Table) -> list[Chart]:
    """A figure below each column's name, or one for all; in words each is its line of numbers."""
    figures = row.figures(results)
    lines = [f"{row.title}: {_line(values)}" for values in numbers]
    if len(figures) != len(results):
        return [("", figure, ". ".join(lines)) for figure in figures]
    return list(zip(map(preset_name, results), figures, lines, strict=True))


def _line(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
        if value is not None
    )


def show_beside(charts: Sequence[Chart], key: str) -> None:
    """Figures side by side, each below its head."""
    places = st.columns(len(charts)) if charts else []
    for number, (place, (head, figure, alt)) in enumerate(zip(places, charts, strict=True)):
        with place:
            if head and figure:
                st.caption(f"**{escape(head)}**")
            if figure:
                chart.draw(figure, alt, f"{key}-{number}")


def show_gallery(gallery: Gallery) -> None:
    """Pictures below their title, or why there are none."""
    st.markdown(f"**{escape(gallery.title)}**")
    if not gallery.pictures:
        st.caption(escape(gallery.missing))
    with st.container(horizontal=True, key=f"pixelated-differ-{gallery.preset}"):
        for png, caption in gallery.pictures:
            st.image(png, escape(caption), width=PICTURE_WIDTH, output_format="PNG", alt=caption)
