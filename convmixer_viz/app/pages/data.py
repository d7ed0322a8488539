"""Data: what does it get wrong, and which pictures move what?"""

import streamlit as st

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import data, opening
from convmixer_viz.foreign_text import escape

chosen = session.choices()
opening.draw(
    "Data",
    f"What {escape(chosen.preset)} gets wrong in a whole data set: how often, how surely, and on "
    "which pictures. A click on a picture makes it the chosen one of every page.",
)
drawn = data.choose()
results = data.survey_each(drawn) if drawn else {}
survey = results.get(chosen.preset)
if survey is None:
    data.show_shipped(chosen.preset)
else:
    data.show_accuracy(survey)
    st.header("Pictures")
    data.show_lists(chosen.preset, survey)
    if len(results) > 1:
        st.header("Where the presets differ")
        data.show_rivals(results)
    st.header("Classes come apart through depth", help=glossary.PLANE)
    left, right = st.columns([3, 2])
    with left:
        data.show_plane(chosen.preset, survey, chosen.block)
    with right:
        data.show_probe(chosen.preset, survey)
    st.header("Where the evidence lies", help=glossary.EVIDENCE)
    data.show_class_evidence(chosen.preset, survey)
data.keep_choices()
