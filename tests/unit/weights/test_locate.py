"""Where weights are looked for, and what is said where they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import collection, locate, user_folder
from tests.conftest import TINY
from tests.unit.weights.conftest import ship

pytestmark = pytest.mark.usefixtures("own_folders")


def test_what_is_not_trained_yet_says_how_to_train_it(
    file: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "cifar10-not-yet"
    monkeypatch.setitem(PRESETS, name, replace(PRESETS["cifar10-256-8"], name=name))
    for action in (lambda: locate.require_file(PRESETS[name]), lambda: collection.fetch(name)):
        with pytest.raises(WeightsError, match=f"not trained yet: run convmixer-viz train {name}"):
            action()
    assert "not trained yet" in locate.location(PRESETS[name]).origin
    monkeypatch.setitem(PRESETS, name, replace(PRESETS[name], shape=TINY.shape))
    with pytest.raises(ChoiceError, match="already a preset"):
        collection.add(file, name=name)
    collection.add(file, replaces=name)
    assert locate.location(PRESETS[name]).kind == "added"


def test_added_weights_that_are_gone_are_reported(file: Path) -> None:
    collection.add(file, name="mine")
    user_folder.weights_file("mine").unlink()
    with pytest.raises(WeightsError, match="gone: convmixer-viz models remove mine"):
        locate.require_file(locate.all_presets()["mine"])
    collection.remove("mine")
    collection.add(file, name="mine")


def test_shipped_weights_come_first_and_stay(own_folders: Path, file: Path) -> None:
    preset = PRESETS["cifar10-128-8-k3"]
    assert locate.location(preset).kind == "missing"
    checkout = ship(own_folders, preset.name)  # as in a checkout
    assert locate.require_file(preset) == checkout and locate.location(preset).kind == "shipped"
    wheel = ship(own_folders / "package", preset.name)  # as in a wheel
    assert locate.require_file(preset) == wheel
    with pytest.raises(ChoiceError, match="ships with convmixer-viz and stays"):
        collection.remove(preset.name)
    with pytest.raises(
        ChoiceError, match="ships with its weights: give weights of your own another"
    ):
        collection.add(file, replaces=preset.name)
