"""The first screen over the shipped weights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app.components import canvas
from convmixer_viz.catalog import ACTIVATIONS, EVIDENCE, KERNELS, RECEPTIVE_FIELD
from convmixer_viz.figures import overview
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import locate
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import sheets, texts

SHIPPED = [
    name for name, preset in PRESETS.items() if not preset.published and locate.find_file(preset)
]


def strip(app: AppTest) -> dict[str, Any]:
    return sheets(app)[0]


def test_the_strip_holds_what_python_computes(visit: Visit) -> None:
    app = visit("overview")
    assert not app.exception
    bench = Workbench("cpu")
    cat = ["gallery:cat"]
    atlas, field = bench.run(KERNELS), bench.run(RECEPTIVE_FIELD, cat)
    evidence, activations = bench.run(EVIDENCE, cat), bench.run(ACTIVATIONS, cat)
    bench.close()
    expected_strip = overview.filmstrip(
        8, atlas=atlas, field=field, evidence=evidence, activations=activations
    )
    expected = json.loads(json.dumps(canvas._content(expected_strip)))
    assert {name: strip(app)[name] for name in expected} == expected
    facts = overview.sentences(evidence=evidence, field=field, atlas=atlas)
    assert all(fact in texts(app) for fact in facts)


def test_the_strip_marks_the_block_of_the_link(visit: Visit) -> None:
    app = visit("overview", block="5")
    assert strip(app)["selected"] == [5]
    app.number_input(key="block").set_value(3).run()
    assert strip(app)["selected"] == [3]


def test_target_and_rival_change_evidence_and_words(visit: Visit) -> None:
    app = visit("overview", target="dog", against="cat")
    assert not app.exception
    assert "Red speaks for dog rather than cat, blue against" in texts(app)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_has_a_first_screen(visit: Visit, name: str) -> None:
    app = visit("overview", preset=[name])
    assert not app.exception and not app.error
    assert all(any(band["texts"]) for band in strip(app)["bands"])
    assert len(json.dumps(strip(app))) < 200_000
