"""Statistics of kernels whose numbers are known in closed form."""

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import spectrum
from convmixer_viz.analyses.kernels.statistics import dead, measure, ring_profile
from convmixer_viz.questions.kernels import STATISTICS


def wave(k, period, degrees, phase=0.0):
    axis = np.arange(k) - (k - 1) / 2
    turn = np.radians(degrees)
    along = axis[None, :] * np.cos(turn) + axis[:, None] * np.sin(turn)
    return np.sin(2 * np.pi * along / period + phase)


def one(kernel):
    return {name: value[0] for name, value in measure(kernel[None]).items()}


@pytest.mark.parametrize(("k", "half", "nearly"), [(3, 3, 3), (5, 5, 5), (7, 5, 7), (9, 7, 9)])
def test_a_uniform_kernel(k, half, nearly):
    found = one(np.full((k, k), -0.5))
    assert found["energy"] == pytest.approx(k * k / 4)
    assert found["dc_gain"] == pytest.approx(-k * k / 2)
    assert (found["effective_size_50"], found["effective_size_90"]) == (half, nearly)
    assert found["border_share"] == pytest.approx((4 * k - 4) / k**2)
    assert found["participation_ratio"] == pytest.approx(k * k)
    assert found["spread"] == pytest.approx(np.sqrt((k**2 - 1) / 12))
    assert found["parity"] == found["d4_invariance"] == pytest.approx(1)
    assert found["separability"] == pytest.approx(1)
    assert found["anisotropy"] == pytest.approx(0, abs=1e-9)
    assert found["peak_frequency"] == pytest.approx(1 / 33)


def test_a_delta_off_the_centre():
    kernel = np.zeros((7, 7))
    kernel[1, 5] = 2  # two up, two to the right
    found = one(kernel)
    assert (found["centroid_x"], found["centroid_y"]) == (2, -2)
    assert found["centroid_offset"] == pytest.approx(np.sqrt(8))
    assert found["spread"] == pytest.approx(0)
    assert found["participation_ratio"] == pytest.approx(1)
    assert found["effective_size_50"] == found["effective_size_90"] == 5
    assert found["low_frequency_share"] == pytest.approx(low_area())
    assert found["parity"] == pytest.approx(0.5)  # its half turn lies elsewhere
    assert found["d4_invariance"] == pytest.approx(1 / 4)  # on a diagonal: four places


def test_a_delta_beside_every_axis_has_eight_places():
    kernel = np.zeros((7, 7))
    kernel[1, 4] = 1
    assert one(kernel)["d4_invariance"] == pytest.approx(1 / 8)


def low_area():
    """Share of the 33 × 33 frequencies within π/4: a delta's power is flat."""
    axis = np.arange(33) - 16
    return (np.hypot(axis, axis[:, None]) / 33 < 1 / 8).mean()


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 135, 165])
@pytest.mark.parametrize("period", [2.5, 4])
def test_a_sine_has_its_frequency_and_orientation(period, degrees):
    found = one(wave(9, period, degrees))
    assert found["peak_frequency"] == pytest.approx(1 / period, abs=0.025)
    gap = abs(found["orientation"] - degrees) % 180
    assert min(gap, 180 - gap) < 4
    assert found["parity"] == pytest.approx(0, abs=1e-12)
    assert found["anisotropy"] > 0.7


def test_separability_counts_rank_one():
    odd_and_even = np.outer([1, 2, 3, 2, 1], [1, 0, -1, 0, 1])
    assert one(odd_and_even)["separability"] == pytest.approx(1)
    assert one(np.eye(5))["separability"] == pytest.approx(1 / 5)


def test_the_spectrum_is_the_dft_and_its_mirror_is_the_kernels():
    kernels = np.random.default_rng(0).normal(size=(4, 5, 5))
    expected = np.abs(np.fft.fftshift(np.fft.fft2(kernels, (33, 33)), axes=(1, 2))) ** 2
    assert np.allclose(spectrum.power(kernels), expected)
    assert np.allclose(
        spectrum.radial_mean(spectrum.power(kernels))[:, 0], kernels.sum((1, 2)) ** 2
    )


def test_rings_hold_all_the_energy():
    kernels = np.random.default_rng(0).normal(size=(6, 7, 7))
    assert np.allclose(ring_profile(kernels).sum(1), (kernels**2).sum((1, 2)))
    assert ring_profile(np.ones((1, 5, 5))).tolist() == [[1, 8, 16]]


TURNED = {"centroid_x", "centroid_y", "orientation", "angle", "sign"}


@pytest.mark.parametrize("k", [5, 9])
def test_turning_and_mirroring_changes_only_what_has_a_direction(k):
    kernels = np.random.default_rng(k).normal(size=(200, k, k))
    before = measure(kernels)
    for copy in (np.rot90(kernels, axes=(2, 1)), kernels[:, :, ::-1], kernels[:, ::-1]):
        after = measure(copy)
        for name in (*STATISTICS, "code"):
            if name not in TURNED:
                assert np.allclose(before[name], after[name], rtol=1e-5, atol=1e-8), name


def test_directions_turn_and_mirror_with_the_kernel():
    kernels = np.random.default_rng(2).normal(size=(200, 7, 7))
    before = measure(kernels)
    clockwise, mirrored = measure(np.rot90(kernels, axes=(2, 1))), measure(kernels[:, :, ::-1])
    assert np.allclose(clockwise["orientation"], np.mod(before["orientation"] + 90, 180))
    assert np.allclose(mirrored["orientation"], np.mod(-before["orientation"], 180))
    assert np.allclose(clockwise["centroid_x"], -before["centroid_y"])
    assert np.allclose(mirrored["centroid_x"], -before["centroid_x"])
    assert ((before["orientation"] >= 0) & (before["orientation"] < 180)).all()


def test_every_number_of_an_empty_kernel_is_finite():
    assert all(np.isfinite(value).all() for value in measure(np.zeros((2, 5, 5))).values())


def test_dead_filters_are_far_below_the_median():
    assert dead(np.array([1.0, 2.0, 3.0, 0.9e-4, 1.1e-4])).tolist() == [0, 0, 0, 1, 0]
    assert dead(np.zeros(3)).all()
