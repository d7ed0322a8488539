"""What Streamlit runs: the app's frame at once, while a server's first visit loads PyTorch."""

import sys

import streamlit as st

from convmixer_viz.app.router.look import look

LOADED = "convmixer_viz.app.router.main"

place = st.empty()
if LOADED not in sys.modules:
    with place.container():
        look()
        st.title("ConvMixer Viz")
        st.caption("PyTorch is being loaded: some seconds, once after a start of the server.")

from convmixer_viz.app.router import main  # noqa: E402  it is what takes the seconds

place.empty()
main.draw()
