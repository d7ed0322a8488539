"""Statistics of kernels whose numbers are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels.statistics import dead, measure, ring_profile
from convmixer_viz.questions.kernels import STATISTICS


def measure_one(kernel: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in measure(kernel[None]).items()}


@pytest.mark.parametrize(("k", "half", "nearly"), [(3, 3, 3), (5, 5, 5), (7, 5, 7), (9, 7, 9)])
def test_a_uniform_kernel(k: int, half: int, nearly: int) -> None:
    statistics = measure_one(np.full((k, k), -0.5))
    assert statistics["energy"] == pytest.approx(k * k / 4)
    assert statistics["dc_gain"] == pytest.approx(-k * k / 2)
    assert (statistics["effective_size_50"], statistics["effective_size_90"]) == (half, nearly)
    assert statistics["border_share"] == pytest.approx((4 * k - 4) / k**2)
    assert statistics["participation_ratio"] == pytest.approx(k * k)
    assert statistics["spread"] == pytest.approx(np.sqrt((k**2 - 1) / 12))
    assert statistics["parity"] == statistics["d4_invariance"] == pytest.approx(1)
    assert statistics["separability"] == pytest.approx(1)
    assert statistics["anisotropy"] == pytest.approx(0, abs=1e-9)
    assert statistics["peak_frequency"] == pytest.approx(1 / 33)


def test_a_delta_off_the_centre() -> None:
    kernel = np.zeros((7, 7))
    kernel[1, 5] = 2  # two up, two to the right
    statistics = measure_one(kernel)
    assert (statistics["centroid_x"], statistics["centroid_y"]) == (2, -2)
    assert statistics["centroid_offset"] == pytest.approx(np.sqrt(8))
    assert statistics["spread"] == pytest.approx(0)
    assert statistics["participation_ratio"] == pytest.approx(1)
    assert statistics["effective_size_50"] == statistics["effective_size_90"] == 5
    assert statistics["low_frequency_share"] == pytest.approx(low_area())
    assert statistics["parity"] == pytest.approx(0.5)  # its half turn lies elsewhere
    assert statistics["d4_invariance"] == pytest.approx(1 / 4)  # on a diagonal: four places


def test_a_delta_beside_every_axis_has_eight_places() -> None:
    kernel = np.zeros((7, 7))
    kernel[1, 4] = 1
    assert measure_one(kernel)["d4_invariance"] == pytest.approx(1 / 8)


def low_area() -> float:
    """Share of the 33 × 33 frequencies within π/4: a delta's power is flat."""
    axis = np.arange(33) - 16
    return float((np.hypot(axis, axis[:, None]) / 33 < 1 / 8).mean())


def test_separability_counts_rank_one() -> None:
    odd_and_even = np.outer([1, 2, 3, 2, 1], [1, 0, -1, 0, 1])
    assert measure_one(odd_and_even)["separability"] == pytest.approx(1)
    assert measure_one(np.eye(5))["separability"] == pytest.approx(1 / 5)


def test_rings_hold_all_the_energy() -> None:
    kernels = np.random.default_rng(0).normal(size=(6, 7, 7))
    assert np.allclose(ring_profile(kernels).sum(1), (kernels**2).sum((1, 2)))
    assert ring_profile(np.ones((1, 5, 5))).tolist() == [[1, 8, 16]]


TURNED = {"centroid_x", "centroid_y", "orientation", "angle", "sign"}


@pytest.mark.parametrize("k", [5, 9])
def test_turning_and_mirroring_changes_only_what_has_a_direction(k: int) -> None:
    kernels = np.random.default_rng(k).normal(size=(200, k, k))
    before = measure(kernels)
    for copy in (np.rot90(kernels, axes=(2, 1)), kernels[:, :, ::-1], kernels[:, ::-1]):
        after = measure(copy)
        for name in (*STATISTICS, "code"):
            if name not in TURNED:
                assert np.allclose(before[name], after[name], rtol=1e-5, atol=1e-8), name


def test_directions_turn_and_mirror_with_the_kernel() -> None:
    kernels = np.random.default_rng(2).normal(size=(200, 7, 7))
    before = measure(kernels)
    clockwise, mirrored = measure(np.rot90(kernels, axes=(2, 1))), measure(kernels[:, :, ::-1])
    assert np.allclose(clockwise["orientation"], np.mod(before["orientation"] + 90, 180))
    assert np.allclose(mirrored["orientation"], np.mod(-before["orientation"], 180))
    assert np.allclose(clockwise["centroid_x"], -before["centroid_y"])
    assert np.allclose(mirrored["centroid_x"], -before["centroid_x"])
    assert ((before["orientation"] >= 0) & (before["orientation"] < 180)).all()


def test_every_number_of_an_empty_kernel_is_finite() -> None:
    assert all(np.isfinite(value).all() for value in measure(np.zeros((2, 5, 5))).values())


def test_dead_filters_are_far_below_the_median() -> None:
    assert dead(np.array([1.0, 2.0, 3.0, 0.9e-4, 1.1e-4])).tolist() == [0, 0, 0, 1, 0]
    assert dead(np.zeros(3)).all()
