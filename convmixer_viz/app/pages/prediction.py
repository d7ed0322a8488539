"""Prediction: what does it say, and how sure is it?"""

from typing import Any

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import chart, opening, prediction, target
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import ACTIVATIONS, EVIDENCE, PREDICTION
from convmixer_viz.figures import activations as channel_maps, evidence as evidence_figures
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.activations import Activations
from convmixer_viz.questions.evidence import Evidence

CHANNELS = 6  # shown of the block


def show_depth(result: Evidence | None) -> None:
    """The probe's probability after each block, and where the decision falls."""
    st.header("Through depth", help=glossary.PROBE)
    if result:
        decision = evidence_figures.describe_decision(result)
        chart.draw(evidence_figures.draw_probes(result), decision)
        st.caption(escape(decision))


def show_votes(result: Evidence | None) -> None:
    """Which class each token speaks for most."""
    if result:
        st.header("Votes of the tokens", help=glossary.VOTES)
        names = [escape(name, "plotly") for name in answer.classes]
        chart.draw(evidence_figures.draw_votes(result, names), glossary.VOTES)
        st.caption(glossary.VOTES)


def show_channels(result: Activations | None, block: int) -> None:
    """The block's strongest channels: of the block before, until this one's are there."""
    st.header(f"Strongest channels of block {result.block if result else block}")
    if result:
        chart.draw(channel_maps.draw(result), "maps of the strongest channels")
        st.caption(
            f"Channels {channel_maps.describe_channels(result)}, strongest first, in units of "
            "each one's standard deviation over the training set."
        )


def show_uploads() -> None:
    """The three top classes of each upload, where there are several."""
    names = picture_list.own()
    if len(names) < 2:
        return
    st.header("All uploaded pictures")
    pictures = picture_list.find_all(names)
    result = (
        session.run_if(PREDICTION, slot="every", pictures=pictures, top=3) if pictures else None
    )
    if result:
        st.dataframe(result.rows(), hide_index=True)


chosen = session.choices()
opening.draw(
    "Prediction",
    f"What {escape(chosen.preset)} says about the picture, how sure it is, and where that appears.",
)
top = st.number_input("Classes shown", 1, 20, 5, key="top", bind=BOUND, width=160)
answer = session.run(PREDICTION, top=int(top))

left, right = st.columns([1, 2])
with left:
    prediction.show_view(answer)
with right:
    prediction.show_answer(answer)

asks: dict[str, session.Ask[Any]] = {
    "evidence": session.ask(EVIDENCE, **target.question()),
    "activations": session.ask(ACTIVATIONS, block=chosen.block, channels=CHANNELS),
}
results = session.run_each(asks, slot="within")
show_depth(results["evidence"])
show_votes(results["evidence"])
show_channels(results["activations"], chosen.block)
show_uploads()
