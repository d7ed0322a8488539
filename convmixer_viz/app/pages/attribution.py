"""Attribution: which patches carried the decision, and can the map be trusted?"""

from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import chart, maps as components_maps
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import ATTRIBUTION, EVIDENCE, FAITHFULNESS
from convmixer_viz.contract import option_fields
from convmixer_viz.figures import overlays
from convmixer_viz.figures.attribution import faithfulness, maps as figures
from convmixer_viz.questions.attribution import OWN_STEPS
from convmixer_viz.questions.faithfulness import MEASURES, QUICK

FIELDS = {field.name: field for field in option_fields(ATTRIBUTION.options)}
OPENING = ["integrated-gradients", "layer-cam", "occlusion"]  # the methods that the page opens with
ACROSS = 3  # maps in a row

chosen = session.choices()
depth = min(session.bench().presets[name].shape.depth for name in chosen.presets)
st.title("Attribution")
st.write("Which patches carried the decision? The evidence is exact; every other method says "
         "what it really is for this preset, and can be scored.")  # fmt: skip

left, right = st.columns([3, 1])
strength = left.slider("Strength of the colours", 0.0, 1.0, 0.85, key="strength", bind=BOUND)
resolution: Any = right.selectbox("Cells", ("tokens", "pixels"), key="cells", bind=BOUND)

st.subheader("Exact evidence", help="What each token of the last block adds to the logit: the "
             "head is linear in their mean. Where a token stands is not which pixels moved it: it "
             "has mixed a wide neighbourhood by then.")  # fmt: skip
aims = {preset: components_maps.aim(preset) for preset in chosen.presets}
exact_work = {p: session.ask(EVIDENCE, **aims[p]) for p in aims}
evidence = [r for r in session.run_each(exact_work, slot="evidence").values() if r]
limit = overlays.shared_limit([result.exact for result in evidence])
alone = len(aims) == 1  # one preset's map and depth stand side by side, several below each other
exact = st.columns([1, 2] if alone else len(aims))
depths = exact[1:] if alone else st.columns(len(aims))
for place, below, result in zip(exact, depths, evidence, strict=False):
    with place:
        components_maps.show_evidence(result, limit, strength)
    with below:
        components_maps.show_depth(result)

st.subheader("Methods", help="Each on its own scale; of several presets, those of a row share one.")
methods = st.multiselect("Methods", FIELDS["method"].choices or (), OPENING, key="methods",
                         bind=BOUND, label_visibility="collapsed")  # fmt: skip
first, second, third, fourth = st.columns(4)
cam = third.number_input("Block of CAMs", 0, depth, depth, key="cam_block", bind=BOUND,
                         help=FIELDS["block"].sentence)  # fmt: skip
options = {
    "baseline": first.selectbox("Baseline", FIELDS["baseline"].choices or (), key="baseline",
                                bind=BOUND, help=FIELDS["baseline"].sentence),
    "steps": second.number_input("Steps", 1, 1000, None, key="steps", bind=BOUND,
                                 placeholder=OWN_STEPS,
                                 help=FIELDS["steps"].sentence),
    "block": None if cam == depth else int(cam),
    "seed": int(fourth.number_input("Seed", 0, 10**6, 0, key="seed", bind=BOUND,
                                    help=FIELDS["seed"].sentence)),
}  # fmt: skip
map_work = {
    f"{m} {preset}": session.ask(ATTRIBUTION, method=m, **options, **aims[preset])
    for m in methods
    for preset in aims
}
made = [result for result in session.run_each(map_work, slot="maps").values() if result]
across = len(aims) if len(aims) > 1 else ACROSS
for start in range(0, len(made), across):
    row = made[start : start + across]
    shared = figures.shared_limit(row, resolution) if len(aims) > 1 else None
    for place, one in zip(st.columns(across), row, strict=False):
        with place:
            components_maps.show_map(one, limit=shared, strength=strength, resolution=resolution)
if not methods:
    st.caption("The maps of the methods that you choose stand here.")
if len(made) > 1 and session.of_same_pictures(made):
    st.subheader("Agreement with the first map", help="On 16×16 cells over what all presets see.")
    st.dataframe(components_maps.agreement(made), hide_index=True)

st.subheader("Can they be trusted?")
said = "Scores of each method's map for the first preset."
if methods and st.toggle("Score these maps", key="scores", bind=BOUND, help=said):
    measures = st.multiselect("Measures", MEASURES, QUICK, key="measures", bind=BOUND,
                              help="Max-sensitivity and randomisation run the method ten times "
                              "and more.")  # fmt: skip
    common = options | aims[chosen.preset] | {"measures": tuple(measures)}
    score_work = {name: session.ask(FAITHFULNESS, method=name, **common) for name in methods}
    found = session.run_each(score_work, slot="scores", together=True)
    scored = [result for result in found.values() if result]
    if scored:
        if told := faithfulness.describe_controls(scored[0]):
            chart.draw(faithfulness.compare(scored), f"Deletion and insertion. {told}", "curves")
            st.caption(f"Areas of the controls: {told}.")
        st.dataframe(faithfulness.table(scored), hide_index=True)
        if any(result.randomisation is not None for result in scored):
            words = ("How alike each map stays while the weights are randomised from the head "
                     "down: one that stays alike explains no model.")  # fmt: skip
            chart.draw(faithfulness.draw_randomisation(scored), words, "randomisation")
            st.caption(words)
else:
    st.caption("Curves and scores of these maps stand here once you ask for them: it takes "
               "hundreds of predictions a method.")  # fmt: skip
