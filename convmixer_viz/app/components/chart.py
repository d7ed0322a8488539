"""A plotly figure on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas  # type: ignore[import-untyped]  # noqa: F401  plotly fails on a half-imported one
import streamlit as st

from convmixer_viz.figures import style

if TYPE_CHECKING:
    import plotly.graph_objects as go


def draw(figure: go.Figure, alt: str, key: str | None = None) -> None:
    """A figure, with a sentence in its place for a screen reader."""
    st.plotly_chart(figure, config=style.CONFIG, key=key, alt=alt)


def draw_wide(figure: go.Figure, alt: str, key: str) -> None:
    """A figure whose labels would collide on a phone: there it scrolls sideways."""
    with st.container(key=f"wide-{key}"):
        draw(figure, alt, key)
