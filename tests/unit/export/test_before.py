"""Bundles and a saved folder of an earlier version still open, and replay finds the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convmixer_viz import cli
from convmixer_viz.catalog import ANALYSES, PREDICTION
from convmixer_viz.export import bundle, files
from convmixer_viz.workbench import Workbench

BEFORE = Path(__file__).parent / "before"  # without plotly's script in the html files
BUNDLES = sorted(BEFORE.glob("*.zip"))
RECOMPUTED = (  # in seconds
    "prediction",
    "prediction-untrained",
    "evidence",
    "attribution-cam",
    "kernel",
    "kernels",
    "receptive-field-token",
    "representation",
)


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_a_bundle_opens(path: Path, tmp_path: Path) -> None:
    stored = bundle.read(path, tmp_path)
    row = ANALYSES[stored.provenance.analysis]
    assert type(stored.result) is row.result_type and path.stem.startswith(row.name)
    assert files.arrays(stored.result) and stored.result.rows()


@pytest.mark.parametrize("name", RECOMPUTED)
def test_a_bundle_is_recomputed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(BEFORE / f"{name}.zip")]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert rows and all(float(row.split()[1]) <= bundle.TOLERANCE for row in rows)


def test_a_saved_folder_loads() -> None:
    bench = Workbench("cpu")
    result = bench.load(BEFORE / "saved", PREDICTION)
    assert result.names == ("small.png",) and result.logits.shape == (1, 10)
    assert result.classes[int(result.top[0, 0])] == "cat"
    assert np.allclose(result.probabilities.sum(1), 1)
    bench.close()
