"""Prediction: what does it say, and how sure is it?"""

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import pictures as components_pictures
from convmixer_viz.figures import activations, evidence, style
from convmixer_viz.figures import prediction as figures

chosen = session.choices()
st.title("Prediction")
st.write(f"What {chosen.preset} says about the picture, how sure it is, and where that appears.")

top = st.number_input("Classes shown", 1, 20, 5, key="top", bind="query-params", width=160)
result = session.run("prediction", top=int(top))

left, right = st.columns([1, 2])
with left.container(key="pixelated-view"):
    st.image(
        style.png(result.views[0]), width=320, output_format="PNG", alt="the picture, as prepared"
    )
    height, width = result.views[0].shape[:2]
    st.caption(f"What the model saw: {width}×{height} px of {result.names[0]}.")
with right:
    session.draw(figures.draw(result), figures.describe(result))
    st.caption(f"{chosen.preset} {figures.knows(result)}")

found = session.several(
    {
        "evidence": {"analysis": "evidence", "target": chosen.target, "against": chosen.against},
        "activations": {"analysis": "activations", "block": chosen.block, "channels": 6},
    },
    slot="within",
)
st.subheader(
    "Through depth",
    help="The head applied to each block's output: a probe, because head and batch norm were "
    "trained for the last block only.",
)
if found["evidence"]:
    said = evidence.decision(found["evidence"])
    session.draw(evidence.probes(found["evidence"]), said)
    st.caption(said)
within = found["activations"]  # of the block before, until this one's is there
st.subheader(f"Strongest channels of block {within.block if within else chosen.block}")
if within:
    session.draw(activations.draw(within), "maps of the strongest channels")
    st.caption(f"Channels {activations.named(within)}, strongest first, in units of "
               "each one's standard deviation over the training set.")  # fmt: skip

if len(components_pictures.uploads()) > 1:
    st.subheader("All uploaded pictures")
    pictures = components_pictures.gather(components_pictures.uploads())
    every = pictures and session.run_if("prediction", slot="every", pictures=pictures, top=3)
    if every:
        st.dataframe(every.rows(), hide_index=True)
