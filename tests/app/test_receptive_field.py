"""The receptive-field page over the shipped weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.catalog import RECEPTIVE_FIELD
from convmixer_viz.contract import Step
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures.receptive_field import sentences
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.request import Request
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import array, letters, sheets, texts, traces


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    bench = Workbench("cpu")
    yield bench
    bench.close()


def sheet(app: AppTest, layout: str) -> dict[str, Any]:
    return next(sheet for sheet in sheets(app) if sheet["layout"] == layout)


def test_the_page_shows_what_python_computes(visit: Visit, bench: Workbench) -> None:
    app = visit("receptive_field", block="3")
    assert not app.exception
    result = bench.run(RECEPTIVE_FIELD, ["gallery:cat"])
    heat = traces(app, 0)[0]
    assert np.array_equal(array(heat["z"]), result.pixels[3] / result.pixels[3].max())
    curves = {trace["name"]: array(trace["y"]) for trace in traces(app, 1)}
    assert np.array_equal(curves["measured"], result.sigma_square)
    assert sentences.describe(result, 3).capitalize() in texts(app)
    assert len(sheet(app, "strip")["values"]) == 9
    assert len(sheet(app, "overlay")["values"]) == 64 * 64


def test_a_link_moves_the_token_and_the_resolution(visit: Visit, bench: Workbench) -> None:
    app = visit("receptive_field", token_row="2", field_side="64", block="1", scalar="relu")
    assert not app.exception
    result = bench.run(
        RECEPTIVE_FIELD, ["gallery:cat"], token=(2, 16), resolution=64, scalar="relu"
    )
    assert np.array_equal(array(traces(app, 0)[0]["z"]), result.pixels[1] / result.pixels[1].max())
    assert sheet(app, "overlay")["selected"][0] == 2


def test_the_untrained_twin_stands_beside(visit: Visit, bench: Workbench) -> None:
    app = visit("receptive_field", field_side="48", untrained="true")
    assert not app.exception
    twin = bench.run(RECEPTIVE_FIELD, ["gallery:cat"], resolution=48, random=0)
    curves = {trace["name"]: array(trace["y"]) for trace in traces(app, 1)}
    assert np.array_equal(curves["untrained"], twin.sigma_square)
    assert "of its untrained twin's" in texts(app)


def test_noise_and_the_central_tokens(visit: Visit) -> None:
    app = visit("receptive_field", field_side="32", measured="16 pictures of noise", central="true")
    assert not app.exception
    assert "The picture cuts the fields" in texts(app)
    assert app.toggle(key="central").value


def test_what_does_not_fit_gets_advice(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    from convmixer_viz.engine import hardware

    monkeypatch.setattr(hardware, "free_memory", lambda device: 2**20)
    app = visit("receptive_field", field_side="40", picture="moon")
    assert not app.exception
    sentence = "receptive-field of cifar10-256-8 at 40×40 pixels needs about "
    assert any(letters(error.value).startswith(sentence) for error in app.error)


def test_missing_weights_are_one_sentence(visit: Visit) -> None:
    app = visit("receptive_field", preset=["imagenet-1024-20"])
    assert not app.exception
    assert not app.error and len(app.info) == 1


def test_a_stopped_field_is_no_result_to_take_along(
    visit: Visit, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = ["gallery:cat", "gallery:moon"]
    with closing(bench.steps(RECEPTIVE_FIELD, pictures, resolution=32)) as steps:
        begun = next(step for step in steps if step.partial is not None)

    def stopped(
        bench: Workbench, request: Request[ReceptiveField], patience: float, person: str
    ) -> Iterator[Step[ReceptiveField]]:
        yield begun
        raise ChoiceError("Stopped.")

    monkeypatch.setattr(Workbench, "follow", stopped)
    monkeypatch.setattr(Workbench, "standing", lambda bench, request: begun)
    app = visit("receptive_field", field_side="40", picture="coffee")
    assert not app.exception
    assert "So far over 1 picture." in texts(app)
    assert "files to take along stand here once" in texts(app)
    assert not app.get("download_button")
