"""On a public server what a stranger adds is theirs: by page, by link, by guessing names."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import person, session
from convmixer_viz.app.components import fetching
from convmixer_viz.commands.app import PUBLIC_VARIABLE
from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import collection, hub, locate, user_folder
from tests.app.conftest import Visit
from tests.app.test_models import STATE, sentences, upload

ANN, BOB = "A" * 43, "B" * 43


class Browser:
    """Whose page it is."""

    name = ANN


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Browser:
    """A public server with folders of its own."""
    browser = Browser()
    session.bench()  # installs who looks
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")
    monkeypatch.setenv(PUBLIC_VARIABLE, "yes")
    monkeypatch.setattr(person, "browser", lambda: browser.name)
    return browser


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(STATE, path)
    return path


def add(visit: Visit, weights: Path) -> str:
    """Whoever looks adds weights by the form; their preset's name."""
    app = visit("models")
    app.selectbox(key="weights-activation").select("gelu")
    app.selectbox(key="weights-preprocess").select("cifar10-256-8").run()
    upload(app, weights)
    (name,) = app.session_state["preset"]
    assert "was verified and added" in sentences(app)
    return str(name)


def add_as(name: str, weights: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same without a page, for the browser of that name."""
    visitor = hashlib.sha256(name.encode()).hexdigest()[:32]
    with monkeypatch.context() as patch:
        patch.setattr(user_folder.LOOKING, "visitor", lambda: visitor)
        answers: dict[str, Any] = {
            "activation": "gelu",
            "residual": None,
            "preprocess": "cifar10-256-8",
        }
        number = len(user_folder.entries())
        content = weights.read_bytes()
        added = collection.add_upload(content, "mine.pt", name=f"mine-{number}", **answers)
    return added.preset.name


def table(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["preset"])


def test_what_one_adds_nobody_else_has(visit: Visit, browser: Browser, weights: Path) -> None:
    name = add(visit, weights)
    assert name.startswith("mine.") and name in table(visit("models"))
    browser.name = BOB
    assert name not in table(visit("models"))
    for page, link in (
        ("models", {"preset": [name]}),
        ("kernels", {"preset": ["cifar10-256-8", name]}),
        ("what_if", {"edit": [f"transplant:from={name}"]}),
    ):
        app = visit(page, **link)
        assert not app.exception
        assert app.session_state["preset"] in ([], ["cifar10-256-8"])
        if "edit" in link:
            assert app.session_state["edit"] == []


def test_only_their_own_can_be_removed_and_nothing_fetched(
    visit: Visit, browser: Browser, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add_as(ANN, weights, monkeypatch)
    started: list[str] = []
    monkeypatch.setattr(collection, "fetch", started.append)
    app = visit("models", preset=["imagenet-768-32"])
    assert not [button for button in app.button if str(button.key).startswith("fetch")]
    assert "These weights are" in str(app.selectbox(key="weights-as").label)
    assert app.selectbox(key="weights-as").options == ["a preset of its own"]
    app = visit("models", preset=[name])
    assert app.button(key=f"fetch-{name}").label == "Remove"
    app.button(key=f"fetch-{name}").click().run()
    assert not app.exception and name not in table(app)
    assert not user_folder.entries() and not started


def test_who_looks_decides_what_the_folder_has(
    browser: Browser, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add_as(ANN, weights, monkeypatch)
    for visitor, sees in ((None, True), ("Bob's", False)):
        monkeypatch.setattr(user_folder.LOOKING, "visitor", lambda visitor=visitor: visitor)
        assert (name in locate.all_presets()) == sees
    with pytest.raises(ChoiceError, match="isn't yours"):
        collection.remove(name)
    with pytest.raises(ChoiceError, match="There is no preset"):
        collection.add_upload(weights.read_bytes(), "x.safetensors", preprocess=name)


def test_a_day_later_it_is_gone(
    browser: Browser, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add_as(ANN, weights, monkeypatch)
    path = user_folder.folder() / "added" / f"{name}.json"
    entry = json.loads(path.read_text())
    entry["date"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat(timespec="seconds")
    path.write_text(json.dumps(entry))
    monkeypatch.setattr(user_folder.LOOKING, "visitor", lambda: entry["visitor"])
    assert name not in locate.all_presets()
    collection.sweep()
    assert not path.exists() and not user_folder.weights_file(name).exists()


def test_bounds_of_one_and_of_all(
    browser: Browser, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_as(ANN, weights, monkeypatch)
    size = weights.stat().st_size
    monkeypatch.setattr(user_folder, "MOST_OF_VISITOR", 1.5 * size)
    add_as(BOB, weights, monkeypatch)
    with pytest.raises(WeightsError, match="Your weights would take"):
        add_as(BOB, weights, monkeypatch)
    monkeypatch.setattr(user_folder, "MOST_OF_VISITORS", 2.5 * size)
    with pytest.raises(WeightsError, match="all the space"):
        add_as("C" * 43, weights, monkeypatch)


def test_a_callback_of_what_is_not_theirs_does_nothing(
    browser: Browser, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    with monkeypatch.context() as owner:
        owner.setattr(user_folder.LOOKING, "visitor", lambda: None)
        answers: dict[str, Any] = {"activation": "gelu", "preprocess": "cifar10-256-8"}
        collection.add_upload(weights.read_bytes(), "owners.pt", name="owners", **answers)
    assert "owners" in locate.all_presets()
    monkeypatch.setattr(collection, "remove", removed.append)
    fetching._remove(next(iter(PRESETS)))
    fetching._remove("owners")
    fetching._remove("mine.someone")
    assert removed == []
