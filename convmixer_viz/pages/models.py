"""Models: what is there, where is it from, what does it cost?"""

from dataclasses import asdict

import streamlit as st

from convmixer_viz import architecture, weights
from convmixer_viz.figures import architecture as drawing
from convmixer_viz.figures import company, learning
from convmixer_viz.pages import _models, _session
from convmixer_viz.training import log as training_log

preset = _session.bench().presets[_session.choices().preset]
facts = weights.facts(preset)
st.title("Models")
st.write("Every preset, where its weights are and what it costs; a click on a row chooses it.")
_models.news()
_models.table()
with st.expander("Add weights of your own"):
    _models.add()

st.header(preset.name)
st.write(f"{preset.summary}.")
_models.place(preset)
card, curve, drawn, blocks = st.tabs(["Card", "Learning curve", "Architecture", "Blocks"])
with card:
    written = weights.beside(preset, ".md")
    if written:
        _, _, below = written.read_text("utf-8").partition("\n")  # its title stands above
        st.markdown(below.replace("\n## ", "\n#### "))
    else:
        top1 = f"{facts['top1']:.2f} %, {facts['top1_is']}" if facts["top1"] else "not measured"
        st.markdown(
            f"{drawing.told(preset)}.\n\n- parameters: {preset.parameters:,}\n- top-1: {top1}\n"
            f"- weights: {facts['origin']}\n- licence: {preset.licence}"
        )
with curve:
    logged = weights.beside(preset, ".json")
    if logged:
        log = training_log.read(logged)
        _session.draw(learning.draw(log), learning.told(log))
        st.caption(learning.told(log))
    else:
        st.caption("The curve of loss and accuracy stands here for presets trained by `train`.")
with drawn:
    _session.draw(drawing.draw(preset), drawing.told(preset))
    st.caption(f"Shapes for {preset.transform.size}×{preset.transform.size} px pictures.")
with blocks:
    st.dataframe([asdict(layer) for layer in architecture.layers(preset)], hide_index=True)
    parts = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
    told = ", ".join(f"{part} {count:,}" for part, count in parts.items())
    st.caption(f"Multiply-adds: {facts['multiply_adds']:,} in all; {told}. `field`: side in px.")
    if preset.published:
        st.caption(f"Published: {preset.published.giga_macs} · 10⁹. {architecture.NOT_COUNTED}")

st.header("In company")
_session.draw(company.draw(), "accuracy against parameters, cost, speed")
st.caption(company.SOURCE)
_models.follow()
