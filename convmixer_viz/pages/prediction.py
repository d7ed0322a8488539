"""Prediction: what does it say, and how sure is it?"""

import streamlit as st

from convmixer_viz.figures import prediction as figures
from convmixer_viz.figures import style
from convmixer_viz.pages import _session

chosen = _session.choices()
st.title("Prediction")
st.write(f"What {chosen.preset} says about the picture, and how sure it is.")

top = st.number_input("Classes shown", 1, 20, 5, key="top", bind="query-params")
result = _session.run("prediction", top=int(top))

left, right = st.columns([1, 2])
with left.container(key="pixelated"):
    st.image(
        style.png(result.views[0]), width=320, output_format="PNG", alt="the picture, as prepared"
    )
    height, width = result.views[0].shape[:2]
    st.caption(f"What the model saw: {width}×{height} px of {result.names[0]}.")
right.plotly_chart(figures.draw(result), config=style.CONFIG, alt=figures.told(result))
right.caption(f"{chosen.preset} {figures.knows(result)}")
_session.facts(result)
