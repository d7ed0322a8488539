"""Overview: what is this model, and what does it make of this picture?"""

from pathlib import Path
from typing import Any

import streamlit as st

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import canvas, chart, prediction, target
from convmixer_viz.catalog import ACTIVATIONS, EVIDENCE, KERNELS, PREDICTION, RECEPTIVE_FIELD
from convmixer_viz.figures import architecture, evidence as figures, overview
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.evidence import Evidence

PAGES = ("kernels", "receptive_field", "prediction", "attribution")  # what the strip's rows open


def show_evidence(result: Evidence | None) -> None:
    """The exact evidence over the picture."""
    if result is None:
        st.caption("The evidence for the class stands here once it is computed.")
        return
    picture, caption = figures.still(result)
    alt = f"Evidence. {caption}"
    with st.container(key="pixelated-why"):
        st.image(picture, width=prediction.WIDTH, output_format="PNG", alt=alt)
        st.caption(escape(caption), help=glossary.EVIDENCE)


def show_strip(depth: int, **results: Any) -> None:
    """A column a block, a row a page: a click on the picked cell opens it."""
    strip = overview.filmstrip(depth, **results)
    opened = canvas.show(strip, key="strip", into=("block",), opens=True)
    if opened:
        row, _ = opened
        st.switch_page(Path(__file__).with_name(f"{PAGES[row]}.py"), query_params={})
    st.caption(escape(overview.strip_caption(results["evidence"])))


preset = session.bench().presets[session.choices().preset]
st.title("Overview")
st.write(
    f"{escape(preset.name)}: {escape(preset.summary)}. "
    "What it makes of this picture, block by block."
)
asks: dict[str, session.Ask[Any]] = {
    "prediction": session.ask(PREDICTION),
    "evidence": session.ask(EVIDENCE, **target.question()),
    "activations": session.ask(ACTIVATIONS),
    "atlas": session.ask(KERNELS),
    "field": session.ask(RECEPTIVE_FIELD),
}
results = session.run_each(asks, slot="overview")
answer, evidence = results.pop("prediction"), results["evidence"]

left, middle, right = st.columns([2, 2, 4])
with left:
    prediction.show_view(answer)
with middle:
    show_evidence(evidence)
with right:
    prediction.show_answer(answer)

st.header("Depth runs from left to right", help=glossary.DEPTH)
show_strip(preset.shape.depth, **results)

st.header("Measured on this picture")
facts = overview.sentences(evidence=evidence, field=results["field"], atlas=results["atlas"])
st.markdown(
    "\n".join(f"- {escape(fact)}" for fact in facts) or "Three facts stand here in a moment."
)

st.header("Architecture")
chart.draw(architecture.draw(preset), architecture.describe(preset))
