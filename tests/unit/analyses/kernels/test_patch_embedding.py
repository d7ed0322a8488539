"""Patch filters whose colour, frequency and orientation are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels.patch_embedding import compute, measure
from convmixer_viz.questions.patch_embedding import Options
from tests.conftest import TINY, calibrated, final, loaded

Floats = NDArray[np.float64]


def stripes(p: int, period: float, degrees: float) -> Floats:
    axis = np.arange(p) - (p - 1) / 2
    turn = np.radians(degrees)
    along = axis[None, :] * np.cos(turn) + axis[:, None] * np.sin(turn)
    return np.asarray(np.sin(2 * np.pi * along / period))


def measure_one(planes: list[Floats]) -> dict[str, float]:
    """The statistics of one filter, its red, green and blue plane."""
    filters = np.array(planes, np.float32)[None]
    return {name: float(values[0]) for name, values in measure(filters).items()}


def test_grey_filters_have_no_colour_and_opponents_nothing_else() -> None:
    wave = stripes(7, 3.5, 0)
    assert measure_one([wave, wave, wave])["colourfulness"] == pytest.approx(0, abs=1e-12)
    assert measure_one([wave, -wave, 0 * wave])["colourfulness"] == pytest.approx(1)
    assert measure_one([wave, 0 * wave, 0 * wave])["colourfulness"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("degrees", [0, 45, 90, 150])
def test_stripes_have_their_frequency_and_orientation_in_any_colour(degrees: float) -> None:
    wave = stripes(14, 4, degrees)
    statistics = measure_one([0.2 * wave, wave, -0.5 * wave])
    assert statistics["peak_frequency"] == pytest.approx(1 / 4, abs=0.02)
    gap = abs(statistics["orientation"] - degrees) % 180
    assert min(gap, 180 - gap) < 4
    assert statistics["norm"] == pytest.approx(np.sqrt(1.29 * (np.float32(wave) ** 2).sum()))


def test_dead_filters_are_counted() -> None:
    module = calibrated(TINY)
    module.patch_embedding.weight.data[[2, 9]] *= 1e-4
    embedding = final(compute(loaded(module=module), (), Options()))
    assert np.flatnonzero(embedding.dead).tolist() == [2, 9]
    assert np.array_equal(embedding.filters, module.patch_embedding.weight.numpy())
    assert embedding.rows()[9]["dead"] is True
