"""The report on a GPU, with the CPU in its place: whole, and it sees what differs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from convmixer_viz import catalog
from convmixer_viz.cli import main
from convmixer_viz.commands import gpu_report
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated

TINY_OPTIONS = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny preset in the place of all others, and few repetitions."""
    enter = Workbench.__init__

    def with_tiny(self: Workbench, *choices: Any, **options: Any) -> None:
        enter(self, *choices, **options)
        self.add("tiny", calibrated(TINY).state_dict(), **TINY_OPTIONS)

    monkeypatch.setattr(Workbench, "__init__", with_tiny)
    monkeypatch.setattr(gpu_report, "COMPARED", ("tiny",))
    monkeypatch.setattr(gpu_report, "TIMED", ("tiny",))
    monkeypatch.setattr(gpu_report, "REPEATS", 2)
    monkeypatch.setattr(gpu_report, "BATCH", 2)
    monkeypatch.setattr(gpu_report, "PAIRS", 1)
    monkeypatch.setattr(torch, "compile", lambda module: module)
    monkeypatch.setattr(gpu_report, "PRESETS", PRESETS | {"tiny": TINY})
    few = {"prediction", "evidence", "receptive-field", "kernels", "formation"}
    rows = {name: row for name, row in catalog.ANALYSES.items() if name in few}
    monkeypatch.setattr(catalog, "ANALYSES", rows)
    monkeypatch.setattr(gpu_report, "REPEATED", ("prediction",))


@pytest.mark.usefixtures("small")
def test_the_report_is_whole() -> None:
    facts = json.loads(json.dumps(gpu_report.write("cpu")))
    rows = facts["compared with the CPU"]["tiny"]
    assert rows["prediction"]["exact"]["apart"]["logits"] == 0
    assert set(rows["kernels"]) == {"exact", "fast"} and "history" in rows["formation"]
    assert facts["within what is allowed"]["logits"]["holds"]
    assert facts["within what is allowed"]["pixels"]["holds"]
    assert facts["distinct answers"] == {"prediction": 1, "a picture in company": 1}
    rates = facts["pictures per second"]["tiny"]
    assert {"ours, exact", "timm, NCHW", "timm compiled, NHWC"} <= rates.keys()
    assert all(rate > 0 for rate in rates.values())
    assert facts["left out"] == [] and facts["memory shortage"] == {}


@pytest.mark.usefixtures("small")
def test_what_there_is_no_time_for_is_named() -> None:
    facts = gpu_report.write("cpu", seconds=0)
    assert "prediction of tiny" in facts["left out"] and "within what is allowed" in facts
    assert facts["compared with the CPU"]["tiny"] == facts["distinct answers"] == {}


def test_what_differs_is_measured() -> None:
    with_gap = np.array([1.0, np.nan, -4.0], np.float32)
    assert gpu_report._distance(with_gap, with_gap) == 0
    assert gpu_report._distance(with_gap + 1, with_gap) == 0.25
    assert gpu_report._distance(np.nan_to_num(with_gap), with_gap) == np.inf
    assert gpu_report._distance(np.arange(4), np.array([0, 1, 2, 9])) == 0.25
    assert gpu_report._distance(np.zeros(3), np.zeros(4)) == np.inf
    far = {"tiny": {"prediction": {"exact": {"apart": {"logits": 2e-4}}}}}
    assert gpu_report.verdicts(far)["logits"]["holds"] is False


def test_without_a_gpu_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--gpu", "--device", "cpu"]) == 2
    assert "PyTorch sees no GPU here" in capsys.readouterr().err
