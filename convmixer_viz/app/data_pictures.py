"""Pictures of data sets that a person has chosen, by names that a link can hold: data set, number
and the picture's sha256, cifar10/test#123@1a2b3c4d."""

from __future__ import annotations

import re

import streamlit as st

from convmixer_viz.app import picture_list, session
from convmixer_viz.app.state import state
from convmixer_viz.errors import PictureError, VizError
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.folders import DataSet

NAME = re.compile(r"(?P<data>[^#]{1,70})#(?P<number>\d{1,9})@(?P<sha256>[0-9a-f]{8})")
CLICKED = "data-picture"  # key of a click's number, in the data set that the page shows
MOST = 12  # that stay in the list


def name_of(data: DataSet, number: int) -> str:
    """What stands in the link for a picture."""
    return f"{data.name}#{number}@{data.picture(number).sha256[:8]}"


def names() -> list[str]:
    """Those chosen so far, and the one that is clicked or that the link asks for."""
    _take_click()
    linked = (state().link or {}).get("picture", [])
    current = st.session_state.get("picture")
    known = dict.fromkeys((*state().data_pictures, *linked, current))
    chosen = [name for name in known if isinstance(name, str) and _admit(name)]
    state().data_pictures = chosen[-MOST:]
    return state().data_pictures


def _take_click() -> None:
    """A clicked picture is the chosen one of every page, before the list is drawn."""
    number = st.session_state.pop(CLICKED, None)
    if number is not None and state().clicked_set:
        try:
            name = name_of(session.data_set(state().clicked_set), int(number))
        except VizError as error:
            state().ignored["picture"] = escape(error)
            return
        state().data_pictures.append(name)
        st.session_state["picture"] = name


def _admit(name: str) -> bool:
    """Whether a name is a picture that is here; a sentence says why it isn't."""
    if not NAME.fullmatch(name):
        return False
    try:
        picture_list.remember(name, _find(name))
    except VizError as error:
        state().ignored[name] = escape(error)
        return False
    return True


def _find(name: str) -> Picture:
    parts = NAME.fullmatch(name)
    assert parts is not None
    picture = session.data_set(parts["data"]).picture(int(parts["number"]))
    if not picture.sha256.startswith(parts["sha256"]):
        raise PictureError(f"{name}: that number is another picture now; choose it on Data.")
    return picture
