"""Attribution: which patches carried the decision, and can the map be trusted?"""

import streamlit as st

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import attribution, opening, target
from convmixer_viz.catalog import EVIDENCE

presets, exact = session.choices().presets, session.choices().mode == "exact"
opening.draw(
    "Attribution",
    f"Which patches carried the decision? The evidence {'is exact' if exact else 'adds up'}; every "
    "other method says what it really is for this preset, and can be scored.",
)
look = attribution.choose_look()

st.header("Exact evidence" if exact else "Evidence", help=glossary.EVIDENCE_IS_NO_PIXEL)
target.note_unknown(presets)
questions = target.questions(presets)
asks = {question["preset"]: session.ask(EVIDENCE, **question) for question in questions}
attribution.show_evidence(session.run_each(asks, slot="evidence"), look)

st.header("Methods", help=glossary.OWN_SCALES)
methods = attribution.choose_methods()
options = attribution.choose_options(methods)
maps = attribution.compute_maps(methods, options, questions)
attribution.show_maps(maps, look)
if not methods:
    st.caption("The maps of the methods that you choose stand here.")
attribution.show_agreement(maps)

st.header("Can they be trusted?")
if attribution.choose_scores(methods):
    attribution.show_scores(attribution.compute_scores(methods, options, questions[0]))
