"""A survey of two processes, and one that was killed again and again: the bytes of one process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.engine.array_folders import SCRATCH
from convmixer_viz.presets import classes

KILLS = 5  # and each time a step or more is done that isn't done again
ROOT = str(Path(__file__).parents[2])
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SLOW = """
import sys, time
from convmixer_viz import cli
from convmixer_viz.analyses import survey
survey.KEEP_EVERY, survey.MOST_CALLS = 0.0, 1
look = survey._look
survey._look = lambda *args: (time.sleep(0.1), look(*args))[1]
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred pictures of noise in ten classes, one of them twice."""
    folder, draw = tmp_path_factory.mktemp("noise"), np.random.default_rng(5)
    for number in range(100):
        path = folder / classes.names("cifar10")[number % 10] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = draw.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    again = folder / "truck" / "7 again.png"
    again.write_bytes((folder / "frog" / "6.png").read_bytes())
    return folder


def line(folder: Path, out: Path) -> list[str]:
    chosen = ["survey", "--preset", "cifar10-128-8-k3", "--data", f"noise={folder}"]
    return [*chosen, "--features", "30", "--store", "1", "--out", str(out)]


def start(cache: Path, *command: str) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1", "CONVMIXER_VIZ_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, *command], env=os.environ | environment, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def kill_on_its_way(cache: Path, out: Path, folder: Path, after: int) -> None:
    """Kill a survey once it has noted so many times what is done."""
    process, deadline = start(cache, "-c", SLOW, *line(folder, out)), time.time() + 200
    noted: set[int] = set()
    while len(noted) < after and time.time() < deadline:
        noted |= {p.stat().st_mtime_ns for p in cache.glob(f"large-results/{SCRATCH}*/*.npz")}
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -9 and len(noted) == after


def test_neither_shares_nor_kills_change_a_byte(folder: Path, tmp_path: Path) -> None:
    outs = [tmp_path / name for name in ("one", "two", "killed")]
    finish(start(tmp_path / "a", "-m", "convmixer_viz.cli", *line(folder, outs[0])))
    finish(start(tmp_path / "b", *TORCHRUN, "-m", "convmixer_viz.cli", *line(folder, outs[1])))
    for _ in range(KILLS):
        kill_on_its_way(tmp_path / "c", outs[2], folder, after=2)
    finish(start(tmp_path / "c", "-m", "convmixer_viz.cli", *line(folder, outs[2])))
    one, two, killed = (np.load(out / "survey.npz") for out in outs)
    assert set(one.files) == set(two.files) == set(killed.files)
    for name in one.files:
        assert one[name].tobytes() == two[name].tobytes() == killed[name].tobytes(), name
    assert len(one["logits"]) == 101 and one["features"].shape == (30, 9, 128)
