"""Models: what is there, where is it from, what does it cost?"""

from dataclasses import asdict

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import chart, models
from convmixer_viz.figures import architecture as drawing, published_models, learning
from convmixer_viz.presets import architecture, log as training_log
from convmixer_viz.weights import locate, summary

preset = session.bench().presets[session.choices().preset]
facts = summary.facts(preset)
st.title("Models")
st.write("Every preset, where its weights are and what it costs; a click on a row chooses it.")
models.news()
models.table()
with st.expander("Add weights of your own"):
    models.add()

st.header(preset.name)
st.write(f"{preset.summary}.")
models.place(preset)
card, curve, drawn, blocks = st.tabs(["Card", "Learning curve", "Architecture", "Blocks"])
with card:
    written = locate.beside(preset, ".md")
    if written:
        _, _, below = written.read_text("utf-8").partition("\n")  # its title stands above
        st.markdown(below.replace("\n## ", "\n#### "))
    else:
        top1 = f"{facts['top1']:.2f} %, {facts['top1_is']}" if facts["top1"] else "not measured"
        st.markdown(
            f"{drawing.describe(preset)}.\n\n- parameters: {preset.parameters:,}\n- top-1: {top1}\n"
            f"- weights: {facts['origin']}\n- licence: {preset.licence}"
        )
with curve:
    logged = locate.beside(preset, ".json")
    if logged:
        log = training_log.read(logged)
        chart.draw(learning.draw(log), learning.describe(log))
        st.caption(learning.describe(log))
    else:
        st.caption("The curve of loss and accuracy stands here for presets trained by `train`.")
with drawn:
    chart.draw(drawing.draw(preset), drawing.describe(preset))
    st.caption(f"Shapes for {preset.transform.size}×{preset.transform.size} px pictures.")
with blocks:
    st.dataframe([asdict(layer) for layer in architecture.layers(preset)], hide_index=True)
    parts = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
    told = ", ".join(f"{part} {count:,}" for part, count in parts.items())
    st.caption(f"Multiply-adds: {facts['multiply_adds']:,} in all; {told}. `field`: side in px.")
    if preset.published:
        st.caption(f"Published: {preset.published.giga_macs} · 10⁹. {architecture.NOT_COUNTED}")

st.header("In company")
chart.draw(published_models.draw(), "accuracy against parameters, cost, speed")
st.caption(published_models.SOURCE)
models.follow()
