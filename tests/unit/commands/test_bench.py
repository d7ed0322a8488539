"""bench on the command line: seconds and memory, a preset a row."""

from __future__ import annotations

import json

import pytest

from convmixer_viz import cli

Capture = pytest.CaptureFixture[str]


def test_bench_measures_seconds_and_memory(capsys: Capture) -> None:
    line = ["bench", "--presets", "cifar10-128-8-k5-p4", "--repeats", "1", "--device", "cpu"]
    assert cli.main([*line, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["preset"] == "cifar10-128-8-k5-p4"
    assert all(value > 0 for name, value in row.items() if name.endswith("(s)"))
    assert all(value >= 0 for name, value in row.items() if name.endswith("(MiB)"))
    assert cli.main(["bench", "--presets", "nobody"]) == 2
