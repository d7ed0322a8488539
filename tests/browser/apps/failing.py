"""An app whose page fails for no reason that anybody foresaw, for streamlit run."""

from pathlib import Path

import streamlit as st

from convmixer_viz.app import server

app = st.App(
    Path(__file__).with_name("failing_page.py"),
    middleware=server.MIDDLEWARE,
    on_script_error=server.tell_of_error,
)
