"""A history that was made up: kernels that become edges at a known epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from convmixer_viz.analyses.kernels.formation import compute, settled
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import WeightsError
from convmixer_viz.questions.formation import Formation, Options
from convmixer_viz.weights import locate
from tests.conftest import final, loaded


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    """Three blocks of 12 kernels at epochs 0, 1, 4, 10; block 2 becomes edges at epoch 4."""
    axis = np.arange(5) - 2
    edge = axis[None, :] * np.exp(-(axis[None, :] ** 2 + axis[:, None] ** 2) / 2)
    draw = np.random.default_rng(0)
    depthwise = draw.normal(size=(4, 3, 12, 5, 5)) * 0.3
    depthwise[2:, 1] = edge + 0.02 * draw.normal(size=(2, 12, 5, 5))
    tensors: dict[str, NDArray[Any]] = {
        "stem": draw.normal(size=(4, 12, 3, 2, 2)).astype(np.float16),
        "depthwise": depthwise.astype(np.float16),
        "epochs": np.array([0, 1, 4, 10], np.int64),
    }
    save_file(tensors, tmp_path / "tiny.history.safetensors")
    monkeypatch.setattr(locate, "find_file", lambda preset: tmp_path / "tiny.safetensors")
    return loaded()


def follow(model: LoadedModel, **options: Any) -> Formation:
    steps = list(compute(model, (), Options(**options)))
    assert [(step.done, step.total) for step in steps] == [(i, 4) for i in (1, 2, 3, 4)]
    return final(steps)


def test_edges_form_when_they_were_planted(model: LoadedModel) -> None:
    formation = follow(model)
    edges = formation.class_shares[..., formation.class_names.index("first derivative")]
    assert edges[:, 1].tolist() == [pytest.approx(0, abs=0.1)] * 2 + [1, 1]
    assert (formation.settled[1] == 4).all()
    assert formation.epochs.tolist() == [0, 1, 4, 10]
    assert formation.mean_parity[3, 1] < 0.05 < formation.mean_parity[0, 1]


def test_blocks_shorten_the_axis(model: LoadedModel) -> None:
    formation = follow(model, blocks=(2,))
    assert formation.weights.shape == (4, 1, 12, 5, 5)
    assert formation.code.shape == (4, 1, 12)
    assert len(formation.rows()) == 4
    turned, whole = follow(model, blocks=(3, 2)), follow(model)
    assert np.array_equal(turned.code, whole.code[:, [2, 1]])
    assert np.array_equal(turned.weights, whole.weights[:, [2, 1]])


def test_settled_is_the_start_of_the_last_run() -> None:
    codes = np.array([[5, 1, 2], [2, 1, 3], [5, 1, 2], [5, 1, 2]])
    assert settled(codes).tolist() == [2, 0, 2]


def test_a_preset_without_history_says_so(
    tiny: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "find_file", lambda preset: tmp_path / "tiny.safetensors")
    with pytest.raises(WeightsError, match="no history"):
        next(compute(tiny, (), Options()))
