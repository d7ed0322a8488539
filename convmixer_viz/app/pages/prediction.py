"""Prediction: what does it say, and how sure is it?"""

from typing import Any

import streamlit as st

from convmixer_viz.app import picture_list, session
from convmixer_viz.app.components import chart
from convmixer_viz.catalog import ACTIVATIONS, EVIDENCE, PREDICTION
from convmixer_viz.figures import activations, evidence, prediction as figures, style

chosen = session.choices()
st.title("Prediction")
st.write(f"What {chosen.preset} says about the picture, how sure it is, and where that appears.")

top = st.number_input("Classes shown", 1, 20, 5, key="top", bind="query-params", width=160)
result = session.run(PREDICTION, top=int(top))

left, right = st.columns([1, 2])
with left.container(key="pixelated-view"):
    st.image(
        style.png(result.views[0]), width=320, output_format="PNG", alt="the picture, as prepared"
    )
    height, width = result.views[0].shape[:2]
    st.caption(f"What the model saw: {width}×{height} px of {result.names[0]}.")
with right:
    chart.draw(figures.draw(result), figures.describe(result))
    st.caption(f"{chosen.preset} {figures.describe_classes(result)}")

work: dict[str, session.Ask[Any]] = {
    "evidence": session.ask(EVIDENCE, target=chosen.target, against=chosen.against),
    "activations": session.ask(ACTIVATIONS, block=chosen.block, channels=6),
}
found = session.run_each(work, slot="within")
st.subheader(
    "Through depth",
    help="The head applied to each block's output: a probe, because head and batch norm were "
    "trained for the last block only.",
)
if found["evidence"]:
    said = evidence.describe_decision(found["evidence"])
    chart.draw(evidence.draw_probes(found["evidence"]), said)
    st.caption(said)
within = found["activations"]  # of the block before, until this one's is there
st.subheader(f"Strongest channels of block {within.block if within else chosen.block}")
if within:
    chart.draw(activations.draw(within), "maps of the strongest channels")
    st.caption(f"Channels {activations.describe_channels(within)}, strongest first, in units of "
               "each one's standard deviation over the training set.")  # fmt: skip

if len(picture_list.uploads()) > 1:
    st.subheader("All uploaded pictures")
    pictures = picture_list.find_all(picture_list.uploads())
    every = session.run_if(PREDICTION, slot="every", pictures=pictures, top=3) if pictures else None
    if every:
        st.dataframe(every.rows(), hide_index=True)
