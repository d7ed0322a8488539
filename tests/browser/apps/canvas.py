"""A page with the three layouts of the canvas, each bound to number inputs."""

from typing import Any

import numpy as np
import streamlit as st

from convmixer_viz.app.components import canvas
from convmixer_viz.figures import strip, style
from convmixer_viz.figures.sheet import Band, Sheet, mosaic

DEPTH = int(st.query_params.get("depth", "8"))
st.set_page_config(layout="wide")


def parts(depth: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    fields = rng.random((depth + 1, 64, 64))
    return {
        "kernels": rng.normal(size=(depth, 16, 5, 5)),
        "fields": (rng.integers(0, 255, (64, 64, 3), np.uint8), fields, np.ones(depth + 1)),
        "components": (rng.random((depth + 1, 16, 16, 3)), np.ones(depth + 1)),
        "probes": [("cat", (i + 1) / (depth + 2)) for i in range(depth + 2)],
    }


def grid() -> Sheet:
    png = style.palette_png(mosaic(np.random.default_rng(1).normal(size=(96, 5, 5)), 16), -3, 3)
    texts = tuple(f"kernel {i}" for i in range(96))
    band = Band(texts, png=png, tile=(5, 5), gutter=1, across=16)
    return Sheet("grid", "Kernels", (band,), tuple((i,) for i in range(96)))


def tokens() -> Sheet:
    png = style.png(np.random.default_rng(2).integers(0, 255, (64, 64, 3), np.uint8))
    texts = tuple(f"row {i // 8}, column {i % 8}" for i in range(64))
    values = tuple((i // 8, i % 8) for i in range(64))
    return Sheet("overlay", "Token", (Band(texts, png=png, across=8, smooth=True),), values)


with st.sidebar:
    for name, most in (("block", DEPTH), ("kernel", 95), ("row", 7), ("column", 7)):
        st.number_input(name.capitalize(), 0, most, key=name)
opened = canvas.show(strip.draw(DEPTH, **parts(DEPTH)), key="strip", into=("block",), opens=True)
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.text(f"opened {opened}")
st.text(f"run {st.session_state.runs}")
left, right = st.columns(2)
with left:
    canvas.show(grid(), key="grid", into=("kernel",))
with right:
    canvas.show(tokens(), key="tokens", into=("row", "column"))
