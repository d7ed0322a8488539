"""The models page: table, card, curve, drawing, blocks; fetch, add, remove."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from streamlit.testing.v1 import AppTest

from convmixer_viz.app.components import fetching
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import hub, locate, user_folder
from tests import hostile
from tests.app.conftest import PACKAGE, Visit
from tests.app.elements import letters
from tests.conftest import TINY, calibrated
from tests.hub_server import serving
from tests.tiny_download import TINY_PUBLISHED

PAGES = PACKAGE / "app/pages"
STATE = calibrated(TINY).state_dict()


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")


def sentences(app: AppTest) -> str:
    kinds: tuple[Any, ...] = (app.caption, app.markdown, app.info, app.success, app.error)
    return " ".join(element.value for kind in kinds for element in kind)


def upload(app: AppTest, path: Path) -> AppTest:
    uploader = next(each for each in app.file_uploader if str(each.key).startswith("weights-file"))
    uploader.upload(path.name, path.read_bytes(), "application/octet-stream")
    if app.button(key="weights-add").disabled:
        app.run()
    app.button(key="weights-add").click().run()
    assert not app.exception
    return app


def test_all_presets_stand_in_the_table(visit: Visit) -> None:
    app = visit("models")
    assert not app.exception
    table = app.dataframe[0].value
    assert table["preset"].tolist() == list(PRESETS)
    row = table.set_index("preset").loc["imagenet-1536-20"]
    assert (row["parameters"], row["as published"], row["top-1 %"]) == (51_625_960, 48.68, 81.37)
    assert row["10⁹ multiply-adds"] == pytest.approx(51.099168768) and row["weights"] == "missing"


def test_a_shipped_preset_has_card_curve_drawing_and_blocks(visit: Visit) -> None:
    app = visit("models")
    preset = PRESETS["cifar10-256-8"]
    card = locate.companion_file(preset, ".md")
    assert card
    for line in card.read_text("utf-8").splitlines()[1:]:
        assert line.removeprefix("## ") in sentences(app)
    curve, drawing, company = (json.loads(c.proto.spec) for c in app.get("plotly_chart"))
    assert {trace["name"] for trace in curve["data"]} >= {"test pictures"}
    assert any("block, 8 times" in note["text"] for note in drawing["layout"]["annotations"])
    assert any("768/32" in str(trace.get("text")) for trace in company["data"])
    blocks = app.dataframe[1].value
    assert blocks["parameters"].sum() == preset.parameters and len(blocks) == 10
    assert locate.location(preset).sha256 in sentences(app)


def test_a_preset_that_is_not_here_is_offered_with_its_size(visit: Visit) -> None:
    app = visit("models", preset=["imagenet-768-32"])
    assert not app.exception
    assert app.button(key="fetch-imagenet-768-32").label == "Fetch 85 MB"
    assert "85 MB, timm/convmixer_768_32.in1k on the Hugging Face hub" in sentences(app)
    assert "leave the depthwise convolutions out" in sentences(app)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setitem(PRESETS, "tiny-published", TINY_PUBLISHED)
    monkeypatch.setattr(hub, "DOWNLOAD_MODULE", "tests.tiny_download")
    return safetensors.torch.save(calibrated(TINY_PUBLISHED).state_dict())


def test_fetching_follows_to_the_end_and_can_be_taken_back(
    visit: Visit, published: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(published) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        app = visit("models", preset=["tiny-published"])
        app.button(key="fetch-tiny-published").click().run()
    assert not app.exception
    assert locate.require_file(TINY_PUBLISHED).read_bytes() == published
    assert "fetched: someone/tiny on the Hugging Face hub" in sentences(app)
    assert app.button(key="fetch-tiny-published").label == "Remove"
    app.button(key="fetch-tiny-published").click().run()
    assert locate.find_file(TINY_PUBLISHED) is None and fetching.fetches() == {}


def test_a_fetch_that_fails_says_why_and_may_be_tried_again(
    visit: Visit, published: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    app = visit("models", preset=["tiny-published"])
    app.button(key="fetch-tiny-published").click().run()
    assert not app.exception
    assert "can't be reached" in app.error[0].value
    assert app.button(key="fetch-tiny-published").label == "Fetch 1 MB"


def test_stop_ends_the_fetch(visit: Visit, published: bytes, tmp_path: Path) -> None:
    def endless() -> Any:
        while True:
            yield from ()
            yield None

    steps = endless()
    next(steps)
    fetching.fetches()["tiny-published"] = fetching.Fetch(steps)
    fetching._stop("tiny-published")
    assert fetching.fetches() == {} and next(steps, "closed") == "closed"


def test_weights_of_ones_own_come_in_by_the_form_and_go(visit: Visit, tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "mine.pth")
    app = visit("models")
    upload(app, tmp_path / "mine.pth")
    assert "mine was verified and added" in sentences(app) and "activation GELU" in sentences(app)
    assert "mine" in app.dataframe[0].value["preset"].tolist()
    assert app.multiselect(key="preset").value == ["mine"]
    assert "added: mine.pth, added" in sentences(app)
    app.button(key="fetch-mine").click().run()
    assert not app.exception and "mine" not in locate.all_presets()


def test_what_was_assumed_is_corrected_beside_the_message(visit: Visit, tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "mine.pth")
    app = upload(visit("models"), tmp_path / "mine.pth")
    app.selectbox(key="correct-activation").select("relu")
    app.selectbox(key="correct-preprocess").select("imagenette-256-8")
    app.button(key="correct").click().run()
    assert not app.exception and not app.error
    assert "Nothing is assumed" in sentences(app)
    mine = locate.all_presets()["mine"]
    assert mine.shape.activation == "relu"
    assert mine.transform == PRESETS["imagenette-256-8"].transform
    app.switch_page(str(PAGES / "prediction.py")).run()
    assert not app.exception and not app.error


def test_hostile_uploads_are_one_sentence_each(visit: Visit, tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    app = visit("models")
    for path, reason in hostile.files(tmp_path, STATE, marker).values():
        if not path.is_symlink():  # a browser sends what a link points to
            upload(app, path)
            assert [error.value for error in app.error if reason in letters(error.value)]
    assert not marker.exists() and user_folder.entries() == {}
