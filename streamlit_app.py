"""The router: page config, shared sidebar, table of pages, run."""

from pathlib import Path

import streamlit as st

import convmixer_viz
from convmixer_viz.pages import _controls, _session

PAGES = Path(convmixer_viz.__file__).parent / "pages"
TABLE = (  # file, title, icon
    ("overview", "Overview", ":material/view_column:"),
    ("prediction", "Prediction", ":material/label:"),
    ("attribution", "Attribution", ":material/blur_on:"),
    ("kernels", "Kernels", ":material/grid_on:"),
    ("receptive_field", "Receptive field", ":material/center_focus_strong:"),
    ("compare", "Compare", ":material/compare:"),
    ("models", "Models", ":material/inventory_2:"),
)
STYLE = """<style>
[data-testid=stStatusWidget] button {display: none}
.st-key-pixelated img, [class*=st-key-pixelated] img {image-rendering: pixelated}
</style>"""

st.set_page_config("ConvMixer Viz", str(PAGES / "icon.png"), layout="wide")
st.html(STYLE)
page = st.navigation(
    [
        st.Page(
            PAGES / f"{file}.py", title=title, icon=icon, url_path=file, default=file == "overview"
        )
        for file, title, icon in TABLE
        if (PAGES / f"{file}.py").exists()
    ]
)
_session.begin(_controls.sidebar())
try:
    page.run()
except _session.Waiting:
    st.caption("What stands here appears when the work above is done.")
_session.follow()
