"""Which kernels matter: measured behind a button, then a statistic of the page Kernels."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import chart
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import IMPORTANCE
from convmixer_viz.errors import VizError
from convmixer_viz.figures import importance as importance_figures
from convmixer_viz.figures.kernels import atlas as atlas_figures, importance as figures
from convmixer_viz.figures.kernels.importance import WeighedAtlas
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.gallery import GALLERY
from convmixer_viz.questions.importance import STATISTICS
from convmixer_viz.questions.kernels import KernelAtlas

OWN = "gallery and uploads"
SIZES = (64, 256, 1024)  # pictures drawn from a data set


def joined(atlas: KernelAtlas) -> KernelAtlas:
    """The atlas, with the kernels' importance where it is at hand: that shown last, or that over
    the gallery."""
    pictures = [picture_list.find(name) for name in GALLERY]
    results = session.at_hand(IMPORTANCE, slot=_slot(), pictures=pictures)
    return next((both for result in results if (both := figures.join(atlas, result))), atlas)


def _slot() -> str:
    return f"importance:{session.choices().preset}"


def show(atlas: KernelAtlas, block: int, channel: int) -> None:
    """The pictures, what it costs, and once it is measured what came out."""
    pictures = choose_pictures()
    if pictures is None:
        return
    kernels, count = atlas.code.size, len(pictures)
    st.caption(
        f"{kernels:,} kernels, {count:,} picture{'s' * (count > 1)}: about as much work as "
        f"{kernels // 2:,} predictions of each. {glossary.IMPORTANCE}"
    )
    start = "Start"
    result = session.run_if(IMPORTANCE, slot=_slot(), start=start, pictures=pictures)
    if result is None:
        st.caption("Which kernels matter stands here, and above as what they can be sorted by.")
        return
    sentence = importance_figures.describe(result)
    chart.draw(importance_figures.draw(result), sentence)
    st.caption(escape(sentence))
    weighed = figures.join(atlas, result)
    if weighed:
        show_scatter(weighed)


def choose_pictures() -> Sequence[Picture] | None:
    """The gallery with the uploads, or pictures drawn from a data set; none where they can't be
    read."""
    sets = [OWN, *session.bench().data]
    first, second = st.columns([3, 1])
    name = first.selectbox("Pictures", sets, key="of", bind=BOUND)
    size = second.selectbox("How many", SIZES, 1, key="drawn", bind=BOUND, disabled=name == OWN)
    if name == OWN:
        return picture_list.find_all(picture_list.names())
    try:
        with st.spinner(f"Reading {escape(name)} …"):
            whole = session.bench().pictures(name)
            return session.bench().pictures(name, min(size, len(whole)))
    except VizError as error:
        st.error(escape(error))
        return None


def show_scatter(atlas: WeighedAtlas) -> None:
    """Importance against another statistic, a point a kernel, with how they go together."""
    names = atlas_figures.statistic_names(atlas.statistics)
    first, second, third = st.columns(3)
    places = list(names.values())
    up = atlas_figures.statistic_names(STATISTICS)
    y = up[first.selectbox("Importance", up, key="up", bind=BOUND)]
    x = names[second.selectbox("Against", names, places.index(figures.X), key="along", bind=BOUND)]
    colors = {name: name for name in figures.COLORS} | names
    color = colors[third.selectbox("Colour", colors, key="color", bind=BOUND)]
    figure = figures.draw(atlas, x, y, color)
    sentence = figures.describe(atlas, x, y)
    chart.draw(figure, f"{atlas.statistics[y]} against {atlas.statistics[x]}. {sentence}")
    st.caption(f"A point a kernel of every block. {sentence}")
