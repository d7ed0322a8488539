"""evaluate on the command line: shares and counts, and folders that don't fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import cli
from convmixer_viz.presets import classes

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    for name, picture in zip(classes.names("cifar10"), pixels, strict=True):
        (tmp_path / "test" / name).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "test" / name / "0.png")
    return tmp_path


def test_evaluate_prints_shares_and_counts(folder: Path, capsys: Capture) -> None:
    line = ["evaluate", "--preset", "cifar10-128-8-k3", "--data", str(folder), "--device", "cpu"]
    assert cli.main([*line, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    confusion = np.array(row["confusion"])
    assert row["pictures"] == confusion.sum() == 10
    assert row["right"] == np.trace(confusion)
    assert row["top-1 %"] == 10 * row["right"]
    assert cli.main(line) == 0
    assert "calibration error %" in capsys.readouterr().out.splitlines()[0]


def test_a_folder_of_other_classes_is_refused(folder: Path, capsys: Capture) -> None:
    shutil.rmtree(folder / "test" / "cat")
    line = ["evaluate", "--preset", "cifar10-128-8-k3", "--data", str(folder)]
    assert cli.main(line) == 2
    assert "9 classes" in capsys.readouterr().err
