"""The router: page config, shared sidebar, table of pages, run."""

from pathlib import Path

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import foot, links, sidebar
from convmixer_viz.errors import VizError

APP = Path(__file__).parent
PAGES = APP / "pages"
TABLE = (  # file, title, icon
    ("overview", "Overview", ":material/view_column:"),
    ("prediction", "Prediction", ":material/label:"),
    ("attribution", "Attribution", ":material/blur_on:"),
    ("kernels", "Kernels", ":material/grid_on:"),
    ("receptive_field", "Receptive field", ":material/center_focus_strong:"),
    ("compare", "Compare", ":material/compare:"),
    ("models", "Models", ":material/inventory_2:"),
)
SIDEBAR = 272  # px

st.set_page_config(
    "ConvMixer Viz", str(APP / "icon.png"), layout="wide", initial_sidebar_state=SIDEBAR
)
st.html(APP / "look.css")
pages = [st.Page(PAGES / f"{file}.py", title=title, icon=icon) for file, title, icon in TABLE]
# the first page's address is bare; by its name it is found, too
home = st.Page(PAGES / "overview.py", title="Overview", icon=TABLE[0][2], url_path="home",
               default=True)  # fmt: skip
named = st.Page(PAGES / "overview.py", title="Overview", visibility="hidden")
page = st.navigation([home, *pages[1:], named])
try:
    session.bench()
except VizError as error:  # CONVMIXER_VIZ_DEVICE names no device of this machine
    st.error(str(error))
    st.stop()
notes = links.begin()
session.begin(sidebar.sidebar())
links.settle(notes)
try:
    page.run()
except session.Waiting:
    st.caption("What stands here appears when the work above is done.")
except VizError as error:
    st.error(str(error))
foot.draw(session.shown_results())
links.settle(notes)
session.follow()
