"""Several processes, each with its share of the pictures, against one with all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import numpy as np, torch
from convmixer_viz.analyses import receptive_field as analysis
from convmixer_viz.preprocessing import PreparedImage
from tests.conftest import loaded

torch.set_num_threads(1)
if sys.argv[2] == "many":
    torch.distributed.init_process_group("gloo")
arrays = torch.randn(5, 3, 24, 24, generator=torch.Generator().manual_seed(3)).numpy()
view = np.zeros((24, 24, 3), np.uint8)
images = [PreparedImage(f"{i}", "", a, view, (0, 0, 24, 24)) for i, a in enumerate(arrays)]
for step in analysis.compute(loaded(), images, analysis.Options(scalar="signs")):
    last = step
assert last.done == last.total
names = ("pixels", "spread", "square", "sigma_spread", "ratio", "pictures")
if sys.argv[2] != "many" or torch.distributed.get_rank() == 0:
    np.savez(sys.argv[1], **{name: getattr(last.partial, name) for name in names})
"""


def run(path: Path, how: str, *prefix: str) -> dict[str, np.ndarray]:
    script = path / "measure.py"
    script.write_text(SCRIPT)
    command = [sys.executable, *prefix, str(script), str(path / f"{how}.npz"), how]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(path / f"{how}.npz") as arrays:
        return dict(arrays)


def test_two_processes_with_three_and_two_pictures_equal_one(tmp_path: Path) -> None:
    alone = run(tmp_path, "one")
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    shared = run(tmp_path, "many", *torchrun)
    assert alone["pictures"] == shared["pictures"] == 5
    for name in ("pixels", "square"):
        scale = alone[name].max()
        assert np.abs(alone[name] - shared[name]).max() <= 1e-6 * scale, name
    assert shared["spread"] == pytest.approx(alone["spread"], rel=1e-4, abs=1e-7)
    assert shared["sigma_spread"] == pytest.approx(alone["sigma_spread"], rel=1e-6, abs=1e-9)
    assert np.array_equal(alone["ratio"], shared["ratio"])
