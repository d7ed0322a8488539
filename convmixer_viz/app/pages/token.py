"""One token: how does one patch become what it says of a class, number by number?"""

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import opening, target, token
from convmixer_viz.catalog import TOKEN
from convmixer_viz.foreign_text import escape

chosen = session.choices()
preset = session.bench().presets[chosen.preset]
block = max(chosen.block, 1)
opening.draw(
    "One token",
    f"How one patch of the picture becomes a token of {escape(preset.name)}, goes through block "
    f"{block}, and what it says of the target in the end: every number is the model's own.",
)
left, right = st.columns([1, 2], gap="large")
with left:
    options = token.choose(preset)
result = session.run(TOKEN, block=block, **options, **target.question())
with left:
    token.show_picker(result)
with right:
    token.show_steps(result)
