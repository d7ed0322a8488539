"""Layers whose entropy, ranks and shares are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels import population
from convmixer_viz.questions.kernels import DELTA
from convmixer_viz.questions.structure import CURVES


def normal(n: int = 400, k: int = 5, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, k, k))


def test_one_direction_has_rank_one_and_no_entropy() -> None:
    line = np.random.default_rng(0).normal(size=(50, 1, 1)) * normal(1)
    layer = population.measure(line)
    assert layer["covariance_rank"] == pytest.approx(1, abs=1e-6)
    assert layer["covariance_participation_ratio"] == pytest.approx(1)
    assert layer["entropy"] == pytest.approx(0, abs=1e-6)


def test_equal_variances_reach_the_bound() -> None:
    each = np.concatenate([np.eye(25), -np.eye(25)]).reshape(-1, 5, 5)
    layer = population.measure(each)
    assert layer["covariance_rank"] == pytest.approx(25)
    assert layer["entropy"] == pytest.approx(1)


def test_shares_sparsity_and_rings() -> None:
    kernels = np.zeros((10, 5, 5))
    kernels[:, 2, 2] = [1, 1, 1, 1, 1, 1, 1, 1, 1e-3, 1e-3]
    layer = population.measure(kernels)
    assert layer["sparsity"] == pytest.approx(0.2)
    assert layer["class_shares"][DELTA] == 1
    assert layer["ring_profile"].tolist() == [1, 0, 0]
    assert layer["mean_effective_size_90"] == 1


def test_a_uniform_random_layer_has_a_share_of_energy_an_area() -> None:
    layers = [population.random_layer(256, 5, seed) for seed in range(4)]
    band = population.band(layers)
    assert band["ring_profile"].mean(-1) == pytest.approx(np.array([1, 8, 16]) / 25, abs=0.01)
    assert band["mean_border_share"].shape == (2,)
    assert band["mean_border_share"][0] < band["mean_border_share"][1]
    assert band["mean_parity"].mean() == pytest.approx(13 / 25, abs=0.02)


def test_every_curve_is_described() -> None:
    assert set(CURVES) <= set(population.measure(normal()))
