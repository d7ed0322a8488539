"""Parts of the comparison: the columns' heads, figures side by side, where presets disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import chart
from convmixer_viz.figures import comparison
from convmixer_viz.weights import summary


def heads(presets: Sequence[str]) -> None:
    """The columns' names and accuracies, and a button that moves one to the left."""
    for place, (column, name) in enumerate(zip(st.columns(len(presets)), presets, strict=True)):
        with column.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{name}**", width="content")
            st.button(
                "", icon=":material/arrow_back:", type="tertiary", key=f"move-{place}",
                on_click=_move, args=(tuple(presets), place), disabled=not place,
                help=f"Puts {name} before {presets[place - 1]}." if place else "The first column.",
            )  # fmt: skip
        share, told = summary.accuracy(session.bench().presets[name])
        column.caption(told if share is None else f"Top-1 {share:.2f} %, {told}")


def _move(presets: tuple[str, ...], place: int) -> None:
    """The order of the sidebar's presets is the order of columns."""
    order = list(presets)
    order[place - 1 : place + 1] = reversed(order[place - 1 : place + 1])
    st.session_state["preset"] = order


def captions(title: str, numbers: Sequence[dict[str, Any]]) -> list[str]:
    """What each column shows, in words, from the row's table."""
    return [
        f"{title}: "
        + ", ".join(
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in row.items()
            if value is not None
        )
        for row in numbers
    ]


def plot(figures: Sequence[Any], key: str, words: Sequence[str], names: Sequence[str] = ()) -> None:
    """A figure a column below its name, or one for all, each with its words; None leaves its
    column empty."""
    columns = st.columns(len(figures)) if figures else []
    words = words if len(figures) == len(words) else [". ".join(words)]
    for place, (column, figure) in enumerate(zip(columns, figures, strict=True)):
        if figure is None:
            continue
        if names:
            column.caption(f"**{names[place]}**")
        with column:
            chart.draw(figure, words[place], f"{key}-{place}")


def disagreements(presets: Sequence[str], results: Sequence[Any]) -> None:
    """The pictures on which the presets differ most from the first."""
    for name, other in zip(presets[1:], results[1:], strict=True):
        if len(other.names) > 1:
            _disagree(presets[0], name, comparison.disagreements(results[0], other))


def _disagree(first: str, name: str, shown: Sequence[tuple[bytes, str]]) -> None:
    st.markdown(f"**{first} and {name} differ most on**")
    if not shown:
        st.caption("They know different classes, so their answers can't be compared.")
    with st.container(horizontal=True, key=f"pixelated-differ-{name}"):
        for png, words in shown:
            st.image(png, words, width=160, output_format="PNG", alt=words)
