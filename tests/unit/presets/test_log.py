"""The training log: round trip and curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convmixer_viz.errors import DataError
from convmixer_viz.presets.log import CURVES, Epoch, Measured, TrainingLog, loads, read

LOG = TrainingLog(
    preset="cifar10-128-8-k5",
    recipe={"epochs": 2, "seed": 0, "rand_augment": [0, 0]},
    command="convmixer-viz train cifar10-128-8-k5 --data DIR --out DIR",
    machine="a processor",
    precision="float32",
    versions={"torch": "2.15"},
    pictures={"train": 50000, "test": 10000},
    epochs=[
        Epoch(1, 1.5, 0.4, None, 0.5, None, 3600.0),
        Epoch(2, 1.0, 0.6, 0.9, 0.65, 0.001, 1800.0),
    ],
)
MEASURED = Measured("0" * 64, "a processor", 10000, 6503, 9801, 0.0123, 500, 321)


def test_round_trip(tmp_path: Path) -> None:
    for log in (LOG, replace(LOG, measured=MEASURED), replace(LOG, epochs=[])):
        assert loads(log.dumps()) == log
    (tmp_path / "log.json").write_text(LOG.dumps())
    assert read(tmp_path / "log.json") == LOG


def test_curves() -> None:
    assert LOG.seconds == 5400
    assert LOG.curve("test_accuracy").tolist() == [0.5, 0.65]
    assert np.isnan(LOG.curve("test_loss")[0])
    assert all(LOG.curve(name).shape == (2,) for name in CURVES)


def test_as_a_table() -> None:
    head, *rows = LOG.as_csv().splitlines()
    assert head.startswith("epoch,train_loss,") and len(rows) == 2
    assert rows[1] == "2,1.0,0.6,0.9,0.65,0.001,1800.0"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"preset": "x", "epochs": []}'])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(DataError, match="is no training log"):
        read(tmp_path / "log.json")
