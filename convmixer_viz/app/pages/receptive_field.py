"""Receptive field: how far does it see?"""

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import opening, receptive_field
from convmixer_viz.foreign_text import escape

chosen = session.choices()
preset = session.bench().presets[chosen.preset]
opening.draw(
    "Receptive field",
    f"How far {escape(preset.name)} sees: which pixels move one token of a block's output, "
    "measured by its gradient, for every block at once. A larger field is not a better one.",
)
options = receptive_field.choose_options(preset)
left, right = st.columns([1, 2])
with left:
    token = receptive_field.choose_token(preset, options["resolution"])
result, whole = receptive_field.measure(options | token)
block = min(chosen.block, result.blocks[-1])

with left:
    receptive_field.show_token(result, block)
with right:
    receptive_field.show_field(result, block)
receptive_field.show_blocks(result)

others, twin = receptive_field.measure_others(options, token)
receptive_field.show_growth(result, others, twin)
receptive_field.show_side_by_side([result, *others], block)
receptive_field.show_numbers(result)
if not whole:
    st.caption("The files to take along stand here once all pictures are measured.")
