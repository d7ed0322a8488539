"""Layers whose covariance, entropy and shares are known."""

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import population
from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.model.kernel_shapes.covariance import covariance, variances


def normal(n=400, k=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, k, k))


def test_the_covariance_is_that_of_the_raw_weights():
    kernels = normal(40, 3)
    expected = np.cov(kernels.reshape(40, -1).T, bias=True)
    assert np.allclose(covariance(kernels), expected)
    assert np.allclose(variances(kernels).sum(), np.trace(expected))


def test_one_direction_has_rank_one_and_no_entropy():
    line = np.random.default_rng(0).normal(size=(50, 1, 1)) * normal(1)
    found = population.measure(line)
    assert found["covariance_rank"] == pytest.approx(1, abs=1e-6)
    assert found["covariance_participation_ratio"] == pytest.approx(1)
    assert found["entropy"] == pytest.approx(0, abs=1e-6)


def test_equal_variances_reach_the_bound():
    each = np.concatenate([np.eye(25), -np.eye(25)]).reshape(-1, 5, 5)
    found = population.measure(each)
    assert found["covariance_rank"] == pytest.approx(25)
    assert found["entropy"] == pytest.approx(1)


def test_shares_sparsity_and_rings():
    kernels = np.zeros((10, 5, 5))
    kernels[:, 2, 2] = [1, 1, 1, 1, 1, 1, 1, 1, 1e-3, 1e-3]
    found = population.measure(kernels)
    assert found["sparsity"] == pytest.approx(0.2)
    assert found["class_shares"][templates.DELTA] == 1
    assert found["ring_profile"].tolist() == [1, 0, 0]
    assert found["mean_effective_size_90"] == 1


def test_a_uniform_random_layer_has_a_share_of_energy_an_area():
    layers = [population.random_layer(256, 5, seed) for seed in range(4)]
    band = population.band(layers)
    assert band["ring_profile"].mean(-1) == pytest.approx(np.array([1, 8, 16]) / 25, abs=0.01)
    assert band["mean_border_share"].shape == (2,)
    assert band["mean_border_share"][0] < band["mean_border_share"][1]
    assert band["mean_parity"].mean() == pytest.approx(13 / 25, abs=0.02)


def test_every_curve_is_described():
    assert set(population.CURVES) <= set(population.measure(normal()))
