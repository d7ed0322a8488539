"""A run that is killed resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from convmixer_viz.presets.log import read
from convmixer_viz.training.recipes import Recipe
from tests.integration.training.test_loop import run, weights

KILLED = """
import os, signal, sys
from pathlib import Path
from convmixer_viz.presets import table
from convmixer_viz.training import layers, recipes
from convmixer_viz.training.loop import train
from tests.unit.training.conftest import RECIPE, TINY
table.PRESETS["tiny"], recipes.RECIPES["tiny"] = TINY, RECIPE
layers.compiler, layers._compiled = lambda: True, lambda function: function
for progress in train("tiny", Path(sys.argv[1]), Path(sys.argv[2]), device="cpu"):
    if (progress.epoch, progress.step) == (2, 3):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_resumes_to_the_same_weights(
    tiny: Recipe, pictures: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(pictures), str(tmp_path / "cut")]
    ended = subprocess.run(command, check=False, cwd=Path(__file__).parents[3], env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    rest = run(pictures, tmp_path / "cut", resume=True)
    assert rest[0].epoch == 2 and rest[0].step == 1
    run(pictures, tmp_path / "whole")
    for name, tensor in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(tmp_path / "cut")[name], tensor, msg=name)
    logs = [read(tmp_path / folder / "tiny.json") for folder in ("cut", "whole")]
    losses = [log.curve("train_loss") for log in logs]
    assert abs(losses[0] - losses[1]).max() < 1e-4
