"""The first screen over the shipped weights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app.components import canvas
from convmixer_viz.figures import overview
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import locate
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit

SHIPPED = [name for name, preset in PRESETS.items()
           if not preset.published and locate.find_file(preset)]  # fmt: skip


def sheet(app: AppTest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(app.get("bidi_component")[0].proto.json)
    return content


def words(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def test_the_strip_holds_what_python_computes(visit: Visit) -> None:
    app = visit("overview")
    assert not app.exception
    bench = Workbench("cpu")
    wanted = {"atlas": "kernels", "field": "receptive-field", "evidence": "evidence",
              "activations": "activations"}  # fmt: skip
    found = {
        name: bench.run(analysis, () if name == "atlas" else ("gallery:cat",))
        for name, analysis in wanted.items()
    }
    expected = json.loads(json.dumps(canvas._content(overview.filmstrip(8, **found))))
    assert {name: sheet(app)[name] for name in expected} == expected
    del found["activations"]
    assert all(fact in words(app) for fact in overview.sentences(**found))
    bench.close()


def test_the_strip_marks_the_block_of_the_link(visit: Visit) -> None:
    app = visit("overview", block="5")
    assert sheet(app)["selected"] == [5]
    app.number_input(key="block").set_value(3).run()
    assert sheet(app)["selected"] == [3]


def test_target_and_rival_change_evidence_and_words(visit: Visit) -> None:
    app = visit("overview", target="dog", against="cat")
    assert not app.exception
    assert "Red speaks for dog rather than cat, blue against" in words(app)


def test_weights_that_are_not_here_leave_places_that_say_so(visit: Visit) -> None:
    app = visit("overview", preset=["imagenet-1024-20"])
    assert not app.exception
    assert any("imagenet-1024-20" in error.value for error in app.error)
    assert "stands here" in words(app)
    assert not any(any(band["words"]) for band in sheet(app)["bands"])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_has_a_first_screen(visit: Visit, name: str) -> None:
    app = visit("overview", preset=[name])
    assert not app.exception and not app.error
    assert all(any(band["words"]) for band in sheet(app)["bands"])
    assert len(json.dumps(sheet(app))) < 200_000
