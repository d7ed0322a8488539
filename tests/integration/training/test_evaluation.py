"""Two processes count what one counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from convmixer_viz.training.evaluation import evaluate
from tests.unit.training.conftest import write_pictures
from tests.unit.training.test_evaluation import named

SHARED = """
import json, sys
from dataclasses import replace
from pathlib import Path
from convmixer_viz.engine.distributed import process
from convmixer_viz.training.evaluation import evaluate
from tests.conftest import TINY, loaded
model = replace(loaded(replace(TINY, class_count=2)), class_names=("dark", "light"))
*_, last = evaluate(model, Path(sys.argv[1]))
counts = last.partial
kept = [counts.confusion.tolist(), counts.bin_confidence.tolist(), counts.right_5, counts.pictures]
Path(sys.argv[2], f"{process()[0]}.json").write_text(json.dumps([*kept, counts.unreadable]))
"""


def test_two_processes_count_as_one(tmp_path: Path) -> None:
    """torchrun, an odd number of pictures and an unreadable one: every count is the same."""
    write_pictures(tmp_path / "data", 10, 0)
    (tmp_path / "data" / "light" / "02.png").unlink()
    (tmp_path / "data" / "dark" / "03.png").write_bytes(b"")
    (tmp_path / "script.py").write_text(SHARED)
    *_, last = evaluate(named("dark", "light"), tmp_path / "data")
    alone = last.partial
    assert alone is not None
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "OMP_NUM_THREADS": "1",
    }
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    script = [str(tmp_path / "script.py"), str(tmp_path / "data"), str(tmp_path)]
    subprocess.run([*command, *script], check=True, env=environment, capture_output=True)
    for number in (0, 1):
        confusion, confidence, right_5, pictures, unreadable = json.loads(
            (tmp_path / f"{number}.json").read_text()
        )
        assert np.array_equal(confusion, alone.confusion) and pictures == alone.pictures == 18
        assert right_5 == alone.right_5
        assert np.allclose(confidence, alone.bin_confidence, rtol=1e-6), (
            "a mean of probabilities: threads round"
        )
        assert tuple(unreadable) == alone.unreadable and len(unreadable) == 1
