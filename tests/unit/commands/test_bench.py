"""bench on the command line: seconds and memory, a preset a row."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from convmixer_viz import cli
from convmixer_viz.commands.peak import peak

Capture = pytest.CaptureFixture[str]


def test_bench_measures_seconds_and_memory(capsys: Capture) -> None:
    line = ["bench", "--presets", "cifar10-128-8-k5-p4", "--repeats", "1", "--device", "cpu"]
    assert cli.main([*line, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["preset"] == "cifar10-128-8-k5-p4"
    assert all(value > 0 for name, value in row.items() if name.endswith("(s)"))
    assert all(value >= 0 for name, value in row.items() if name.endswith("(MiB)"))
    assert cli.main(["bench", "--presets", "nobody"]) == 2


def test_a_peak_is_seen_again_and_again() -> None:
    for _ in range(2):
        with peak("cpu") as mebibytes:
            block = np.ones(8 * 2**20)
            time.sleep(0.05)
            del block
        assert 48 < mebibytes() < 160
