"""Two processes under torchrun train what one trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from convmixer_viz.presets.log import TrainingLog, read
from convmixer_viz.training import files

PROJECT = Path(__file__).parents[3]
SCRIPT = """
import sys
from dataclasses import replace
from convmixer_viz.presets import table
from convmixer_viz.training import layers, recipes
from tests.unit.training.conftest import RECIPE, TINY
table.PRESETS["tiny"] = TINY
recipes.RECIPES["tiny"] = replace(RECIPE, muon=0.02, average=0.5, alternate=True, mixup=0.5)
layers.compiler = lambda: False  # float32, whatever the processor
from convmixer_viz.cli import main
sys.exit(main(["train", "tiny", "--device", "cpu", *sys.argv[1:]]))
"""


def train(tmp_path: Path, processes: int, *more: str) -> subprocess.CompletedProcess[str]:
    """Two epochs of the tiny recipe by so many processes, as the command line does it."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable]
    if processes > 1:
        run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command += run
    command += [str(script), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, "--epochs", "2", *more], env=environment, capture_output=True, text=True
    )


def outcome(tmp_path: Path) -> tuple[TrainingLog, dict[str, torch.Tensor]]:
    """What a run left: its log, and its model's weights as they stood."""
    log = read(tmp_path / "out" / "tiny.json")
    return log, files.read_state(tmp_path / "out" / "tiny.state.pt")["model"]


@pytest.mark.usefixtures("pictures")
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """Ten steps of one global batch: losses, accuracies and weights; one process writes and
    prints, and an odd number of test pictures is shared out."""
    results = []
    (tmp_path / "data" / "test" / "light" / "00.png").unlink()
    for processes in (1, 2):
        done = train(tmp_path, processes)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("epoch ") == 2
        results.append(outcome(tmp_path))
        (tmp_path / "out").rename(tmp_path / f"out-{processes}")
    (alone, weights), (both, shared) = results
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        assert abs(alone.curve(name) - both.curve(name)).max() < 1e-4, name
    for name, tensor in weights.items():
        torch.testing.assert_close(shared[name], tensor, atol=2e-3, rtol=2e-3, msg=name)
    assert both.machine == f"2 × {alone.machine}"


@pytest.mark.usefixtures("pictures")
def test_processes_resume_and_refuse_what_they_cannot_share(tmp_path: Path) -> None:
    assert train(tmp_path, 2).returncode == 0
    again = train(tmp_path, 2, "--resume")
    assert again.returncode == 0 and "epoch" not in again.stdout
    three = train(tmp_path, 3, "--resume")
    assert three.returncode != 0 and "can't be shared equally by 3 processes" in three.stderr
