"""A tiny preset, recipe and folder of pictures: a run of seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.presets import table
from convmixer_viz.presets.table import Shape, Transform
from convmixer_viz.training import layers, recipes
from convmixer_viz.training.recipes import Recipe

CLASSES = ("dark", "light")
TINY = replace(
    table.PRESETS["cifar10-128-8-k5"],
    name="tiny",
    shape=Shape(8, 2, 3, 4),
    class_count=2,
    transform=Transform(16, "crop"),
)
RECIPE = Recipe(
    preset="tiny", epochs=3, batch=8, shift=2, jitter=0.1, label_smoothing=0.1, erase=0.5, hole=4
)


def write_pictures(folder: Path, count: int, seed: int) -> None:
    """`count` noisy pictures a class, 16×16, told apart by their brightness."""
    draw = np.random.default_rng(seed)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            level = 60 + 120 * label + draw.integers(-30, 30, (16, 16, 3))
            Image.fromarray(level.astype(np.uint8)).save(folder / name / f"{number:02d}.png")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with 20 training and 7 test pictures a class."""
    write_pictures(tmp_path / "data" / "train", 20, 1)
    write_pictures(tmp_path / "data" / "test", 7, 2)
    return tmp_path / "data"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The tiny recipe in the table, and no compiler (it would take longer than the run)."""
    monkeypatch.setitem(table.PRESETS, "tiny", TINY)
    monkeypatch.setitem(recipes.RECIPES, "tiny", RECIPE)
    monkeypatch.setattr(layers, "compiler", lambda: True)
    monkeypatch.setattr(layers, "_compiled", lambda function: function)
    return RECIPE
