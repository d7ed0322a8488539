"""What holds for every page."""

from __future__ import annotations

import pytest

from convmixer_viz.app import session
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
        ("compare", ["prediction"]),
        ("what_if", ["prediction", "evidence", "activations", "kernels", "receptive-field"]),
        ("models", []),
    ],
)
def test_a_page_names_all_that_it_shows(visit: Visit, page: str, analyses: list[str]) -> None:
    app = visit(page, rows=["prediction"])
    named = [name for box in app.selectbox if box.key == "take" for name in box.options]
    assert {name.split(",")[0] for name in named} == set(analyses)


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
