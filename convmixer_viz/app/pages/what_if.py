"""What if: what follows if I change the model, or the picture?"""

import streamlit as st

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import opening, picture_edits, what_if
from convmixer_viz.foreign_text import escape

chosen = session.choices()
preset = session.bench().presets[chosen.preset]
opening.draw(
    "What if",
    f"What follows if I change {escape(preset.name)}, or the picture? The changes made here hold "
    "on every page, and stand in the link.",
)
half = what_if.choose_half()
left, right = st.columns([2, 5], gap="medium")
with left:
    what_if.HALVES[half](preset)
    what_if.show_in_force(chosen)
with right:
    before, after = what_if.compute_both(chosen)
    what_if.show_answers(before, after)
    if before["evidence"]:
        st.caption(escape(picture_edits.describe_pixel(preset, before["evidence"])))
what_if.show_strips(preset, before, after)

st.header("Over many pictures", help=glossary.MANY)
if chosen.edits or chosen.picture_edits:
    asked, pace = what_if.choose_measurement(), what_if.pace(before)
    what_if.show_effect(preset, asked, pace)
    st.header("Sweep", help=glossary.SWEEP)
    what_if.show_sweep(preset, asked, pace)
else:
    st.caption("Make a change above: what it does over many pictures stands here.")
