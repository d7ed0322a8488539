"""What a screen reader is told of the page's work."""

from __future__ import annotations

import pytest

from convmixer_viz.app import session
from convmixer_viz.app.components.accessibility import DONE
from convmixer_viz.app.state import KEY
from tests.app.conftest import Visit
from tests.app.elements import told

TOP = "13"  # classes: asked by no other test, so it isn't at hand


def test_a_screen_reader_hears_when_work_begins_stops_and_ends(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(session, "follow", lambda: None)
        app = visit("prediction", top=TOP)
        assert told(app) == "Working: prediction, cifar10-256-8."
        app.button(key="go-prediction:cifar10-256-8").click().run()
        assert told(app) == "Stopped: prediction, cifar10-256-8."
        assert app.session_state[KEY].stopped
    app.button(key="go-prediction:cifar10-256-8").click().run()
    assert told(app) == DONE
