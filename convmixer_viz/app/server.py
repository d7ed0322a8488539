"""The web application: Streamlit's, with what stands around the script."""

from pathlib import Path

import streamlit as st

app = st.App(str(Path(__file__).with_name("main.py")))
