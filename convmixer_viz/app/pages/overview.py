"""Overview: what is this model, and what does it make of this picture?"""

from pathlib import Path
from typing import Any

import streamlit as st

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import canvas, chart, first_look, opening, prediction, target
from convmixer_viz.catalog import ACTIVATIONS, EVIDENCE, KERNELS, PREDICTION, RECEPTIVE_FIELD
from convmixer_viz.figures import architecture, evidence as figures, overview
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.glossary import TERMS, explain as words_of
from convmixer_viz.questions.prediction import Prediction

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


def show_way(preset: Preset, answer: Prediction | None) -> None:
    """From left to right: the picture, the model with its real shapes, what it says."""
    picture, model, words = st.columns([1.1, 6, 1.2], vertical_alignment="center")
    with picture:
        prediction.show_small(answer)
    with model:
        shapes = architecture.describe(preset)
        chart.draw(architecture.draw(preset, height=architecture.SMALL), shapes, "way")
    with words:
        prediction.show_first(answer)


preset = session.bench().presets[session.choices().preset]
opening.draw(
    "Overview",
    f"A ConvMixer is {TERMS['ConvMixer']}. "
    f"This one: {escape(preset.name)}, {escape(preset.summary)}.",
    first_look.offer,
)
asks: dict[str, session.Ask[Any]] = {
    "prediction": session.ask(PREDICTION),
    "evidence": session.ask(EVIDENCE, **target.question()),
    "activations": session.ask(ACTIVATIONS),
    "atlas": session.ask(KERNELS),
    "field": session.ask(RECEPTIVE_FIELD),
}
first_screen = st.container()  # above the line of its work, so that the strip is whole
results = session.run_each(asks, slot="overview")
answer, evidence = results.pop("prediction"), results["evidence"]
with first_screen:
    show_way(preset, answer)
    st.header("Depth runs from left to right", help=glossary.DEPTH)
    show_strip(preset.shape.depth, **results)

st.header("What it says of this picture", help=words_of("logit, evidence, token"))
left, right = st.columns([2, 4])
with left:
    show_evidence(evidence)
with right:
    prediction.show_answer(answer)

st.header("Measured on this picture", help=words_of("receptive field, kernel"))
facts = overview.sentences(evidence=evidence, field=results["field"], atlas=results["atlas"])
st.markdown(
    "\n".join(f"- {escape(fact)}" for fact in facts) or "Three facts stand here in a moment."
)
own, wide = preset.transform.size, preset.field_side
if wide > own:
    st.caption(glossary.FIELD_ON_WIDER.format(own=own, wide=wide))
with st.expander("The words, a line each"):
    st.markdown(words_of(", ".join(TERMS)))
