"""What a page shows of an exception that nobody foresaw: a sentence with a number, no more."""

from __future__ import annotations

import logging
import re

import pytest
from streamlit.testing.v1 import AppTest


def fail() -> None:
    import streamlit as st

    from convmixer_viz.app import server

    try:
        raise KeyError("/secret/path")
    except KeyError as error:
        st.session_state["dealt_with"] = server.tell_of_error(error)


def refuse() -> None:
    from convmixer_viz.app import server
    from convmixer_viz.errors import ChoiceError

    server.tell_of_error(ChoiceError("There is no [cat](x)."))


def test_the_number_on_the_page_is_that_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        app = AppTest.from_function(fail).run()
    (sentence,) = [error.value for error in app.error]
    assert app.session_state["dealt_with"] is True
    assert "secret" not in sentence and "KeyError" not in sentence
    (number,) = re.findall(r"error ([0-9a-f]{8})\.", sentence)
    (record,) = [each for each in caplog.records if number in each.getMessage()]
    assert record.exc_info and isinstance(record.exc_info[1], KeyError)


def test_a_sentence_of_the_family_is_shown_and_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = AppTest.from_function(refuse).run()
    assert [error.value for error in app.error] == [r"There is no \[cat\](x)."]
    assert not [each for each in caplog.records if "error" in each.getMessage()]
