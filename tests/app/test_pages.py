"""What holds for every page."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convmixer_viz import cli
from convmixer_viz.app import session
from convmixer_viz.app.state import KEY
from convmixer_viz.contract import Result
from convmixer_viz.export import files
from convmixer_viz.questions import glossary
from tests.app.conftest import PACKAGE, Visit

PAGES = sorted(path.stem for path in (PACKAGE / "app/pages").glob("[a-z]*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_missing_weights_are_a_sentence_without_a_traceback(visit: Visit, page: str) -> None:
    app = visit(page, preset=["imagenet-1024-20", "cifar10-128-8-k3"], rows=["prediction"])
    assert not app.exception
    sentences = [each.value for each in (*app.error, *app.info)]
    assert any("imagenet-1024-20" in sentence for sentence in sentences)


def test_every_figure_has_its_files_at_the_foot(visit: Visit) -> None:
    app = visit("attribution", methods=["layer-cam", "grad-cam"], scores="true")
    evidence = "evidence, cifar10-256-8"
    maps = [f"attribution, cifar10-256-8, method {name}" for name in ("layer-cam", "grad-cam")]
    scores = [each.replace("attribution", "faithfulness") for each in maps]
    assert app.selectbox(key="take").options == [evidence, *maps, *scores]
    app.selectbox(key="take").select(scores[1]).run()
    assert not app.exception
    assert any(each.value.startswith("faithfulness, cifar10-256-8, cpu") for each in app.caption)
    assert len(app.get("download_button")) == 5


@pytest.mark.parametrize(
    ("page", "analyses"),
    [
        ("overview", ["prediction", "evidence", "activations", "kernels", "receptive-field"]),
        ("prediction", ["prediction", "evidence", "activations"]),
        ("kernels", ["kernels", "kernel", "firing"]),
        ("receptive_field", ["receptive-field"]),
        ("token", ["token"]),
        ("compare", ["prediction"]),
        ("what_if", ["prediction", "evidence", "activations", "kernels", "receptive-field"]),
        ("models", []),
    ],
)
def test_a_page_names_all_that_it_shows_and_how_to_get_it_again(
    visit: Visit, page: str, analyses: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit(page, rows=["prediction"])
    boxes = [box for box in app.selectbox if box.key == "take"]
    assert {name.split(",")[0] for box in boxes for name in box.options} == set(analyses)
    for box in boxes:
        python, command = (code.value for code in app.code[-2:])
        names: dict[str, Any] = {}
        exec(python, names)
        chosen = str(box.value).split(",")[0]
        results = app.session_state[KEY].shown
        shown = next(each for each in results if each.origin.analysis == chosen)
        assert_same_numbers(names["result"], shown)
        monkeypatch.chdir(tmp_path)
        assert cli.main(shlex.split(command)[1:]) == 0
        assert_same_numbers(files.load(Path("out"), shown.origin.analysis), shown)


def assert_same_numbers(result: Result, shown: Result) -> None:
    expected = files.arrays(shown)
    assert expected.keys() == files.arrays(result).keys()
    for name, array in files.arrays(result).items():
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("page", PAGES)
def test_each_page_explains_the_terms_of_its_opening(visit: Visit, page: str) -> None:
    opening = visit(page, rows=["prediction"]).markdown[0]
    assert opening.help == glossary.explain(opening.value)
    assert opening.help or page in ("data", "prediction", "what_if")  # whose openings use no term


def test_a_device_that_is_not_here_is_one_sentence(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMIXER_VIZ_DEVICE", "tpu")
    session.bench.clear()
    app = visit("overview")
    assert not app.exception
    (error,) = [each.value for each in app.error]
    assert error.startswith("There is no device 'tpu'")
    session.bench.clear()
