"""What the app remembers of a person, and the types of what a page asks for."""

from __future__ import annotations

from typing import assert_type

from streamlit.testing.v1 import AppTest

from convmixer_viz.app import session
from convmixer_viz.app.state import KEY, State
from convmixer_viz.catalog import EVIDENCE
from convmixer_viz.questions.evidence import Evidence


def count_uploads() -> None:
    import streamlit as st

    from convmixer_viz.app.state import state

    state().uploads.add(f"file {len(state().uploads)}")
    st.text(str(len(state().uploads)))


def test_state_stays_between_runs_and_is_one_persons() -> None:
    first, second = (AppTest.from_function(count_uploads) for _ in range(2))
    assert [first.run().text[0].value for _ in range(3)] == ["1", "2", "3"]
    assert second.run().text[0].value == "1"
    assert isinstance(first.session_state[KEY], State)
    assert first.session_state[KEY] is not second.session_state[KEY]


def test_a_question_has_the_type_of_its_result() -> None:
    question = session.ask(EVIDENCE, target="cat")
    assert_type(question, session.Ask[Evidence])
    assert question.analysis is EVIDENCE and question.options == {"target": "cat"}
