"""A preset without weights: what is missing, how to get it, and what can be shown without it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import adding, chart, fetching
from convmixer_viz.app.link import BOUND
from convmixer_viz.app.state import state
from convmixer_viz.catalog import COST
from convmixer_viz.commands.app import is_public
from convmixer_viz.figures import architecture, cost
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights.facts import preset_facts


class Missing(Exception):
    """What stands instead of a page without weights is drawn; the router catches this."""


def check(title: str) -> None:
    """Where the first preset's weights aren't here: say so in place of the page, or above it where
    its untrained twin is wanted."""
    name = session.choices().preset
    if session.bench().models.has_weights(name):
        return
    preset, above = session.bench().presets[name], st.container()
    label = f"Show the untrained twin of {escape(name)}"
    if st.toggle(label, key="twin", bind=BOUND, help=glossary.UNTRAINED_TWIN):
        above.warning(
            f"The weights of {escape(name)} are not here: this is its untrained twin, random "
            "weights by seed 0. Nothing here is learned."
        )
        state().untrained.add(name)
        return
    with above:
        st.title(title)
        offer(preset)
    show_without(preset)
    raise Missing


def split(presets: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those whose weights are here, and those that lack them."""
    here, missing = list[str](), list[str]()
    for name in presets:
        (here if session.bench().models.has_weights(name) else missing).append(name)
    return here, missing


def offer(preset: Preset) -> None:
    """The three ways to the weights: fetch them here, bring the file, or by the command line."""
    fetching.draw(preset)
    if preset.published is None or is_public():
        return
    upload, command = st.columns(2)
    with upload, st.expander("Upload its file"):
        files = (preset.published.authors_file, preset.published.openmmlab_file)
        st.caption(f"model.safetensors of {preset.published.hub}, {' or '.join(files)}.")
        adding.draw_upload(preset)
    with command, st.expander("On the command line"):
        st.code(
            f"convmixer-viz models fetch {preset.name}\n"
            f"convmixer-viz models add FILE --as {preset.name}",
            language="sh",
        )


def show_without(preset: Preset) -> None:
    """What needs no trained weights: the architecture and the cost."""
    st.subheader("Its architecture")
    chart.draw(architecture.draw(preset), architecture.describe(preset))
    st.subheader("What it costs")
    facts = preset_facts(preset)
    top1 = f"; top-1 {facts['top1']:.2f} %, {facts['top1_is']}" if facts["top1"] else ""
    st.markdown(
        f"{preset.parameters:,} parameters, {facts['multiply_adds'] / 1e9:.2f}·10⁹ multiply-adds "
        f"a picture of {preset.transform.size} px{escape(top1)}."
    )
    measured = session.run_if(COST, slot="cost", start="Measure", random=0)
    if measured:
        st.dataframe(cost.table([measured]), hide_index=True)
        st.caption(escape(cost.describe([measured])))
    else:
        st.caption("Seconds and memory on this machine stand here once they are measured.")
