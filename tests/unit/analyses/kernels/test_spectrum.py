"""Spectra against numpy's DFT, and waves whose frequency and orientation are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels import spectrum
from convmixer_viz.analyses.kernels.statistics import measure


def wave(k: int, period: float, degrees: float) -> NDArray[np.float64]:
    axis = np.arange(k) - (k - 1) / 2
    turn = np.radians(degrees)
    along = axis[None, :] * np.cos(turn) + axis[:, None] * np.sin(turn)
    return np.asarray(np.sin(2 * np.pi * along / period))


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 135, 165])
@pytest.mark.parametrize("period", [2.5, 4])
def test_a_sine_has_its_frequency_and_orientation(period: float, degrees: float) -> None:
    values = measure(wave(9, period, degrees)[None])
    statistics = {name: float(of_kernels[0]) for name, of_kernels in values.items()}
    assert statistics["peak_frequency"] == pytest.approx(1 / period, abs=0.025)
    gap = abs(statistics["orientation"] - degrees) % 180
    assert min(gap, 180 - gap) < 4
    assert statistics["parity"] == pytest.approx(0, abs=1e-12)
    assert statistics["anisotropy"] > 0.7


def test_the_spectrum_is_the_dft_and_its_mirror_is_the_kernels() -> None:
    kernels = np.random.default_rng(0).normal(size=(4, 5, 5))
    expected = np.abs(np.fft.fftshift(np.fft.fft2(kernels, (33, 33)), axes=(1, 2))) ** 2
    assert np.allclose(spectrum.power(kernels), expected)
    assert np.allclose(
        spectrum.radial_mean(spectrum.power(kernels))[:, 0], kernels.sum((1, 2)) ** 2
    )
