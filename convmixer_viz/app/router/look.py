"""Title, icon and style of every page; nothing here loads PyTorch."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
NAME = "ConvMixer Viz"
SIDEBAR_WIDTH = 272  # px


def look() -> None:
    """The page's own, before anything else is drawn."""
    icon = str(HERE / "icon.png")
    st.set_page_config(NAME, icon, layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    st.html(HERE / "look.css")
