"""Sizes, shares and ratios of fields whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.analyses.receptive_field import (
    statistics,
)
from convmixer_viz.presets.table import Shape
from tests.conftest import TINY
from tests.unit.analyses.receptive_field.pictures import bell, double, measure, pictures


def test_the_tabled_ratios_to_the_last_digit() -> None:
    gaussian, middle = bell(40, 1024, 512.5), (512.5, 512.5)
    table = {1: [0.27, 0.40, 0.79, 5.09], 100: [0.57, 0.86, 1.59, 7.11]}
    table[10_000] = [1.01, 1.54, 2.79, 10.83]
    linear_ratio = 100 * statistics.mass_ratio(gaussian, middle)
    assert linear_ratio.round(2).tolist() == [0.23, 0.35, 0.69, 4.83]
    for peak, row in table.items():
        ratio = 100 * statistics.replknet_ratio(peak * gaussian)
        assert ratio.round(2).tolist() == row
    uniform = np.ones((1024, 1024))
    expected = [20.09, 30.01, 50.13, 99.03]
    assert (100 * statistics.mass_ratio(uniform, middle)).round(2).tolist() == expected


def test_squares_between_pixels_and_at_a_border() -> None:
    between = statistics.mass_ratio(bell(4, 64, 32), (32, 32))
    beside = statistics.mass_ratio(bell(4, 65, 32.5), (32.5, 32.5))
    assert (np.sqrt(between) * 64 % 2 == 0).all() and (np.sqrt(beside) * 65 % 2).round(9).all()
    corner = statistics.mass_ratio(np.ones((10, 10)), (0.5, 0.5))
    assert corner.tolist() == [0.25, 0.36, 0.64, 1.0]
    assert statistics.replknet_ratio(np.ones((8, 8)))[3] == 1.0


def test_sizes_of_a_known_gaussian() -> None:
    field, middle = bell(7, 128, 64), (64.0, 64.0)
    assert statistics.sigma(field, middle) == pytest.approx(7, abs=1e-6)
    assert statistics.gaussian_fit(field, middle) == pytest.approx((7, 1), abs=1e-5)
    expected = 7 * np.sqrt(-2 * np.log1p(-np.array([0.5, 0.9])))
    assert statistics.radii(field, middle) == pytest.approx(expected, abs=0.15)
    uniform = np.ones((32, 32))
    assert statistics.sigma(uniform, (16, 16)) == pytest.approx(32 / 12**0.5, rel=1e-3)
    assert statistics.border_share(uniform) == pytest.approx(1 - 30**2 / 32**2)
    delta = np.zeros((9, 9))
    delta[4, 4] = 3
    assert statistics.gaussian_fit(delta, (4.5, 4.5)) == (0.0, 1.0)
    assert statistics.growth(np.arange(5), 3 * np.sqrt(np.arange(5))) == pytest.approx(0.5)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_shares_of_the_theoretical_field_never_pass_one() -> None:
    """Four central tokens, a kernel that leans, a patch of one pixel."""
    for shape, central in (
        (TINY.shape, True),
        (Shape(6, 3, 4, 2), False),
        (Shape(6, 2, 5, 1), True),
    ):
        field = measure(double(shape), pictures(2, 16, 16), central=central)
        assert (field.share <= 1).all() and (field.share > 0).all()
    assert statistics.reach([(3, 3)], 1, 4, (8, 8)) == 4 * 4
    assert statistics.reach([(0, 0)], 1, 4, (8, 8)) == 3 * 3  # one before, two behind
    assert statistics.reach([(3, 3), (3, 4), (4, 3), (4, 4)], 1, 5, (8, 8)) == 36


def test_a_grid_too_small_for_squares_is_still_measured() -> None:
    assert statistics.replknet_ratio(np.ones((2, 2))).tolist() == [1, 1, 1, 1]
