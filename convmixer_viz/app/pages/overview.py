"""Overview: what is this model, and what does it make of this picture?"""

from pathlib import Path
from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import canvas, chart
from convmixer_viz.catalog import ACTIVATIONS, EVIDENCE, KERNELS, PREDICTION, RECEPTIVE_FIELD
from convmixer_viz.figures import architecture, overview, prediction as bars, style

DOORS = ("kernels", "receptive_field", "prediction", "attribution")  # of the strip's rows
WIDTH = 320  # px of a picture

chosen = session.choices()
preset = session.bench().presets[chosen.preset]
st.title("Overview")
st.write(f"{preset.name}: {preset.summary}. What it makes of this picture, block by block.")

work: dict[str, session.Ask[Any]] = {
    "prediction": session.ask(PREDICTION),
    "evidence": session.ask(EVIDENCE, target=chosen.target, against=chosen.against),
    "activations": session.ask(ACTIVATIONS),
    "atlas": session.ask(KERNELS),
    "field": session.ask(RECEPTIVE_FIELD),
}
found = session.run_each(work, slot="overview")
prediction, evidence = found.pop("prediction"), found["evidence"]

seen, why, said = st.columns([2, 2, 4])
with seen.container(key="pixelated-seen"):
    if prediction:
        picture = style.png(prediction.views[0])
        st.image(picture, width=WIDTH, output_format="PNG", alt="The picture as the model saw it")
        height, width = prediction.views[0].shape[:2]
        st.caption(f"What the model saw: {width}×{height} px of {prediction.names[0]}.")
    else:
        st.caption("The picture as the model sees it stands here in a moment.")
with why.container(key="pixelated-why"):
    if evidence:
        picture, words = overview.evidence_png(evidence), overview.evidence_caption(evidence)
        st.image(picture, width=WIDTH, output_format="PNG", alt=f"Evidence. {words}")
        st.caption(words, help="What each token adds to the class's score, exactly: "
                   "the head is linear in the mean of the last block's tokens.")  # fmt: skip
    else:
        st.caption("The evidence for the class stands here once it is computed.")
with said:
    if prediction:
        chart.draw(bars.draw(prediction), bars.describe(prediction))
        st.caption(f"{preset.name} {bars.describe_classes(prediction)}")
    else:
        st.caption("What the model says stands here in a moment.")

st.subheader("Depth runs from left to right", help="A ConvMixer keeps one grid of tokens from the "
             "first block to the last. Click a column to choose its block on every page; click it "
             "again, or press Enter, to open the row's page.")  # fmt: skip
strip = overview.filmstrip(preset.shape.depth, **found)
opened = canvas.show(strip, key="strip", into=("block",), opens=True)
if opened:
    page = Path(__file__).with_name(f"{DOORS[opened[0]]}.py")
    st.switch_page(page, query_params={})
st.caption(overview.strip_caption(evidence))

st.subheader("Measured on this picture")
measured = overview.sentences(evidence=evidence, field=found["field"], atlas=found["atlas"])
st.markdown("\n".join(f"- {fact}" for fact in measured) or "Three facts stand here in a moment.")

st.subheader("Architecture")
chart.draw(architecture.draw(preset), architecture.describe(preset))
