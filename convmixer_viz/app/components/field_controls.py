"""What a receptive field is measured of and on: the page's own choices."""

from __future__ import annotations

from typing import Any

import streamlit as st

from convmixer_viz.app import picture_list
from convmixer_viz.app.link import BOUND
from convmixer_viz.presets.table import Preset

ON = ("the picture", "gallery and uploads", "16 pictures of noise")
SCALARS = ("sum", "relu", "signs", "channel")
REDUCTIONS = ("absolute", "square", "relu")
LARGEST = 1024  # px a side that the page offers; the command line takes more


def choices(preset: Preset) -> dict[str, Any]:
    """What is measured, on what: the options of the analysis."""
    first, second, third, fourth = st.columns(4)
    measured = first.selectbox("Measured on", ON, key="measured", bind=BOUND,
                               help="More pictures give a smoother field; a single one shows what "
                               "this picture lets through.")  # fmt: skip
    own = preset.transform.size
    side = second.number_input(
        "Resolution (px)", own, max(LARGEST, own), None, key="field_side", bind=BOUND,
        placeholder=str(preset.field_side), step=preset.shape.patch_size,
        help=f"At its own {own} px the picture bounds most fields, so the default is wider.",
    )  # fmt: skip
    scalar = third.selectbox("Of the token", SCALARS, key="scalar", bind=BOUND,
                             help="Differentiated: the sum of its channels, of their ReLU, with "
                             "random signs, or one channel.")  # fmt: skip
    reduction = fourth.selectbox("Reduced by", REDUCTIONS, key="reduction", bind=BOUND,
                                 help="How a gradient becomes a field. The growth plot is always "
                                 "of the square.")  # fmt: skip
    said: dict[str, Any] = {"scalar": scalar, "reduction": reduction, "resolution": side}
    if scalar == "channel":
        said["channel"] = int(third.number_input("Channel", 0, preset.shape.dim - 1, 0,
                                                 key="field_channel", bind=BOUND))  # fmt: skip
    if measured == ON[1]:
        said["pictures"] = picture_list.find_all(picture_list.names())
    return said | ({"noise": 16} if measured == ON[2] else {})


def token(preset: Preset, side: int) -> dict[str, Any]:
    """The token that is asked; none chosen is the centre."""
    last = preset.shape.grid(side) - 1
    for key in ("token_row", "token_column"):  # a smaller grid keeps the token inside
        held = st.session_state.get(key)
        if isinstance(held, int) and held > last:
            st.session_state[key] = last
    left, right = st.columns(2)
    places = [
        place.number_input(f"Token {key}", 0, last, None, key=f"token_{key}", bind=BOUND,
                           placeholder="centre")
        for key, place in (("row", left), ("column", right))
    ]  # fmt: skip
    if all(place is None for place in places):
        return {"central": st.toggle("Mean of the central tokens", key="central", bind=BOUND)}
    middle = preset.shape.grid(side) // 2
    return {"token": tuple(middle if place is None else int(place) for place in places)}
