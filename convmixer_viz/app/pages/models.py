"""Models: what is there, where is it from, what does it cost?"""

from dataclasses import asdict

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import adding, chart, fetching, opening, preset_table
from convmixer_viz.figures import architecture as drawing, learning, published_models
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets import architecture, log as training_log
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import locate
from convmixer_viz.weights.facts import preset_facts


def show_card(preset: Preset) -> None:
    """The card that came with the weights, or what the table of presets knows."""
    card = locate.companion_file(preset, ".md")
    if card:
        _, _, below = card.read_text("utf-8").partition("\n")  # its title stands above
        st.markdown(below.replace("\n## ", "\n### "))
        return
    facts = preset_facts(preset)
    top1 = f"{facts['top1']:.2f} %, {facts['top1_is']}" if facts["top1"] else "not measured"
    st.markdown(
        f"{drawing.describe(preset)}.\n\n- parameters: {preset.parameters:,}\n- top-1: {top1}\n"
        f"- weights: {escape(facts['origin'])}\n- licence: {escape(preset.licence)}"
    )


def show_learning(preset: Preset) -> None:
    """Loss and accuracy by epoch."""
    file = locate.companion_file(preset, ".json")
    if file is None:
        st.caption("The curve of loss and accuracy stands here for presets trained by `train`.")
        return
    log = training_log.read(file)
    chart.draw(learning.draw(log), learning.describe(log))
    st.caption(learning.describe(log))


def show_architecture(preset: Preset) -> None:
    """The model drawn, with the shapes between its parts."""
    chart.draw_wide(drawing.draw(preset), drawing.describe(preset), "architecture")
    st.caption(f"Shapes for {preset.transform.size}×{preset.transform.size} px pictures.")


def show_layers(preset: Preset) -> None:
    """The table of layers, and the multiply-adds by kind."""
    st.dataframe([asdict(layer) for layer in architecture.layers(preset)], hide_index=True)
    counts = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
    total = preset_facts(preset)["multiply_adds"]
    parts = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    st.caption(f"Multiply-adds: {total:,} in all; {parts}. `field`: side in px.")
    if preset.published:
        st.caption(f"Published: {preset.published.giga_macs} · 10⁹. {architecture.NOT_COUNTED}")


PARTS = {
    "Card": show_card,
    "Learning curve": show_learning,
    "Architecture": show_architecture,
    "Blocks": show_layers,
}

opening.draw(
    "Models", "Every preset, where its weights are and what it costs; a click on a row chooses it."
)
preset_table.draw()
with st.expander("Add weights of your own"):
    adding.draw_form()

preset = session.bench().presets[session.choices().preset]
st.header(escape(preset.name))
st.write(f"{escape(preset.summary)}.")
fetching.draw(preset)
for tab, show in zip(st.tabs(list(PARTS)), PARTS.values(), strict=True):
    with tab:
        show(preset)

st.header("In company")
chart.draw_wide(published_models.draw(), "accuracy against parameters, cost, speed", "company")
st.caption(published_models.SOURCE)
