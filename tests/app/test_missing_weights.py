"""A preset whose weights aren't here: what is missing, and what is shown all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch

from convmixer_viz.figures import architecture
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import hub, locate, user_folder, verification, worker
from tests.app.conftest import Visit
from tests.app.elements import letters, tables, texts
from tests.conftest import calibrated
from tests.tiny_download import TINY_PUBLISHED

TINY = TINY_PUBLISHED.name


@pytest.fixture(autouse=True)
def tiny_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")
    monkeypatch.setitem(PRESETS, TINY, TINY_PUBLISHED)


@pytest.mark.parametrize("page", ["overview", "kernels", "what_if"])
def test_a_page_says_what_is_missing_and_shows_what_needs_no_weights(
    visit: Visit, page: str
) -> None:
    app = visit(page, preset=[TINY])
    assert not app.exception and not app.error
    missing = "The weights of tiny-published are not here: 1 MB, someone/tiny on the Hugging Face"
    assert missing in letters(app.info[0].value)
    assert app.button(key=f"fetch-{TINY}").label == "Fetch 1 MB"
    assert "convmixer-viz models fetch tiny-published" in app.code[0].value
    assert "tiny.pth.tar or tiny-01234567.pth" in letters(texts(app))
    assert "in a moment" not in texts(app)
    (drawing,) = app.get("plotly_chart")
    assert drawing.proto.alt == architecture.describe(TINY_PUBLISHED)
    if not tables(app):  # measured by the test before
        app.button(key="go-cost").click().run()
    assert tables(app)[0][0]["parameters"] == TINY_PUBLISHED.parameters


def test_the_untrained_twin_is_shown_where_it_is_wanted(visit: Visit) -> None:
    app = visit("overview", preset=[TINY], twin="true")
    assert not app.exception and not app.error
    assert "random weights by seed 0" in app.warning[0].value
    assert "untrained (seed 0)" in " ".join(app.selectbox(key="take").options)


def test_its_file_comes_in_by_the_page(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "verify", verification.verify)  # another process knows no tiny one
    file = tmp_path / "any.safetensors"
    safetensors.torch.save_file(calibrated(TINY_PUBLISHED).state_dict(), file)
    app = visit("prediction", preset=[TINY])
    upload = app.file_uploader(key=f"missing-{TINY}-0")
    upload.upload(file.name, file.read_bytes(), "application/octet-stream").run()
    app.button(key=f"add-{TINY}").click().run()
    assert not app.exception and locate.find_file(TINY_PUBLISHED)
    assert "knows only: airplane" in texts(app)


def test_in_a_comparison_the_other_columns_stand(visit: Visit) -> None:
    app = visit("compare", preset=[TINY, "cifar10-128-8-k3"], rows=["prediction"])
    assert not app.exception and not app.error
    assert "The weights of tiny-published are not here" in letters(app.info[0].value)
    assert [row["preset"] for row in tables(app)[1]] == ["cifar10-128-8-k3"]
    alone = visit("compare", preset=[TINY, "imagenet-768-32"], rows=["prediction"])
    assert not alone.exception and not alone.error and len(alone.info) == 2


def test_beside_others_it_is_one_whole_sentence(visit: Visit) -> None:
    app = visit("attribution", preset=["cifar10-128-8-k3", TINY], methods=["hirescam"])
    assert not app.exception
    assert "run convmixer-viz models fetch tiny-published" in letters(app.error[0].value)
