"""Patch filters whose colour, frequency and orientation are known."""

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import patch_embedding
from convmixer_viz.analyses.kernels.patch_embedding import measure
from tests.conftest import TINY, calibrated, loaded


def stripes(p, period, degrees):
    axis = np.arange(p) - (p - 1) / 2
    turn = np.radians(degrees)
    along = axis[None, :] * np.cos(turn) + axis[:, None] * np.sin(turn)
    return np.sin(2 * np.pi * along / period)


def one(planes):
    return {name: value[0] for name, value in measure(np.float32(planes)[None]).items()}


def test_grey_filters_have_no_colour_and_opponents_nothing_else():
    wave = stripes(7, 3.5, 0)
    assert one([wave, wave, wave])["colourfulness"] == pytest.approx(0, abs=1e-12)
    assert one([wave, -wave, 0 * wave])["colourfulness"] == pytest.approx(1)
    assert one([wave, 0 * wave, 0 * wave])["colourfulness"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("degrees", [0, 45, 90, 150])
def test_stripes_have_their_frequency_and_orientation_in_any_colour(degrees):
    wave = stripes(14, 4, degrees)
    found = one([0.2 * wave, wave, -0.5 * wave])
    assert found["peak_frequency"] == pytest.approx(1 / 4, abs=0.02)
    gap = abs(found["orientation"] - degrees) % 180
    assert min(gap, 180 - gap) < 4
    assert found["norm"] == pytest.approx(np.sqrt(1.29 * (np.float32(wave) ** 2).sum()))


def test_dead_filters_are_counted():
    module = calibrated(TINY)
    module.patch_embedding.weight.data[[2, 9]] *= 1e-4
    (step,) = patch_embedding.compute(loaded(module=module), (), patch_embedding.Options())
    found = step.partial
    assert np.flatnonzero(found.dead).tolist() == [2, 9]
    assert np.array_equal(found.filters, module.patch_embedding.weight.numpy())
    assert found.rows()[9]["dead"] is True
