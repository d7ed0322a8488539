"""What is drawn at each visit and each change: sidebar, page, foot, then the work."""

from pathlib import Path

import streamlit as st

from convmixer_viz.app import link, session
from convmixer_viz.app.components import (
    accessibility,
    adding,
    fetching,
    first_look,
    foot,
    history,
    missing_weights,
    sidebar,
)
from convmixer_viz.app.router.look import NAME, look
from convmixer_viz.app.state import state
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape

HERE = Path(__file__).parent  # not beside pages/: Streamlit would make that its own navigation
PAGES = HERE.parent / "pages"
TABLE = (  # file, title, icon
    ("overview", "Overview", ":material/view_column:"),
    ("prediction", "Prediction", ":material/label:"),
    ("attribution", "Attribution", ":material/blur_on:"),
    ("kernels", "Kernels", ":material/grid_on:"),
    ("receptive_field", "Receptive field", ":material/center_focus_strong:"),
    ("token", "One token", ":material/footprint:"),
    ("compare", "Compare", ":material/compare:"),
    ("what_if", "What if", ":material/tune:"),
    ("data", "Data", ":material/photo_library:"),
    ("models", "Models", ":material/inventory_2:"),
)
WITHOUT_WEIGHTS = ("Compare", "Models")  # these tell themselves of weights that aren't here


def navigate() -> st.Page:
    """The table of pages in the sidebar; the page of the address."""
    (file, title, icon), *others = TABLE
    first = PAGES / f"{file}.py"  # its address is bare; by its name it is found, too
    home = st.Page(first, title=title, icon=icon, url_path="home", default=True)
    named = st.Page(first, title=title, visibility="hidden")
    pages = [st.Page(PAGES / f"{file}.py", title=title, icon=icon) for file, title, icon in others]
    return st.navigation([home, *pages, named])


def open_page(title: str) -> None:
    """Go to the page of that title, with the link's choices."""
    file = next(file for file, name, _ in TABLE if name == title)
    st.switch_page(PAGES / f"{file}.py", query_params={})


def check_device() -> None:
    """End here where CONVMIXER_VIZ_DEVICE names no device of this machine."""
    try:
        session.bench()
    except VizError as error:
        st.error(escape(error))
        st.stop()


def run(page: st.Page) -> bool:
    """The page itself, as far as its results are there; whether all of it stands."""
    try:
        if page.title not in WITHOUT_WEIGHTS:
            missing_weights.check(page.title)
            adding.draw_last_added()
        page.run()
        return not state().pending
    except missing_weights.Missing:
        return False
    except session.Waiting:
        st.caption("What stands here appears when the work above is done.")
    except VizError as error:
        st.error(escape(error))
    return False


def draw() -> None:
    """All of it."""
    look()
    page = navigate()
    check_device()
    warnings = link.begin()
    session.begin(sidebar.draw())
    st.set_page_config(f"{page.title} · {session.choices().preset} · {NAME}")
    link.check(warnings)
    first_look.draw(page.title, open_page)
    whole = run(page)
    foot.draw(state().shown)
    link.check(warnings)
    if whole:
        link.check_rest(warnings)
    accessibility.draw()
    history.keep_short()
    session.follow()
    fetching.follow()
