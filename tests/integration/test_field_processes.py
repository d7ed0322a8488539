"""Several processes, each with its share of the pictures, against one with all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import cli
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.workbench import Workbench

Capture = pytest.CaptureFixture[str]
FIELD = ["receptive-field", "--preset", "cifar10-128-8-k3", "--resolution", "24", "--json"]
FIELD += ["--scalar", "signs"]
COUNT = 2
SCRIPT = """
import json, sys
from pathlib import Path
from convmixer_viz import cli
from convmixer_viz.analyses.receptive_field.measurement import Measurement
from convmixer_viz.engine import distributed
from convmixer_viz.errors import PictureError

folder, (number, _) = Path(sys.argv[1]), distributed.process()
*lines, last = json.loads((folder / "lines.json").read_text())
with distributed.joined():
    ended = [cli.main(line) for line in lines]
    if number == 1:
        def fail(*_):
            raise PictureError("one process alone fails.")
        Measurement.trace = fail
    ended.append(cli.main(last))
(folder / f"{number}.json").write_text(json.dumps(ended))
"""


def paint(folder: Path, count: int) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(5)
    for number in range(count):
        pixels = generator.integers(0, 256, (24, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def launch(folder: Path, lines: list[list[str]]) -> tuple[str, str]:
    """Run command lines one after another in each process of a real torchrun."""
    (folder / "script.py").write_text(SCRIPT)
    (folder / "lines.json").write_text(json.dumps(lines))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(COUNT)]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, *torchrun, str(folder / "script.py"), str(folder)],
        env=os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_a_field_from_several_processes_is_that_of_one(tmp_path: Path, capsys: Capture) -> None:
    """An uneven split with an unreadable picture; fewer pictures than processes; a picture named
    outright that can't be read; and one process that fails while the others wait."""
    folder = paint(tmp_path / "five", 5)
    (folder / "25.png").write_bytes((folder / "2.png").read_bytes()[:99])
    lone, bad = str(folder / "0.png"), str(folder / "25.png")
    lines = [[*FIELD, str(folder), "--out"], [*FIELD, lone, "--out"]]
    alone = [tmp_path / "alone" / str(number) for number in range(2)]
    for line, place in zip(lines, alone, strict=True):
        assert cli.main([*line, str(place)]) == 0
    single = capsys.readouterr()
    shared = [tmp_path / "shared" / str(number) for number in range(2)]
    lines = [[*line, str(place)] for line, place in zip(lines, shared, strict=True)]
    out, err = launch(tmp_path, [*lines, [*FIELD, lone, bad], ["kernels"], [*FIELD, str(folder)]])

    for number in range(COUNT):
        assert json.loads((tmp_path / f"{number}.json").read_text()) == [0, 0, 2, 2, 2]
    assert err.count("left out: 25.png") == 2 and single.err.count("left out: 25.png") == 1
    assert err.count("error: 25.png is cut off") == COUNT
    assert err.count("error: one process alone fails.") == 1
    assert err.count("error: Another process of this run has ended") == COUNT - 1
    assert err.count("kernels runs in one process: start it without torchrun") == COUNT
    assert out.count('"preset"') == single.out.count('"preset"') == 2, "the first alone prints"
    for one, many in zip(alone, shared, strict=True):
        _equal(one, many)


def _equal(one: Path, many: Path) -> None:
    bench = Workbench("cpu")
    alone, shared = bench.load(one), bench.load(many)
    bench.close()
    assert isinstance(alone, ReceptiveField) and isinstance(shared, ReceptiveField)
    assert alone.provenance is not None and shared.provenance is not None
    assert alone.pictures == shared.pictures == len(shared.provenance.images)
    assert alone.provenance.images == shared.provenance.images
    for name in ("pixels", "tokens", "square", "sigma", "sigma_spread", "ratio", "spread"):
        expected, summed = getattr(alone, name), getattr(shared, name)
        assert np.abs(summed - expected).max() <= 1e-6 * np.abs(expected).max(), name
    assert np.array_equal(alone.view, shared.view)
