"""Patch filters in colour: order, words, and the polar plot's angles."""

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import patch_embedding as analysis
from convmixer_viz.figures.kernels import patch_embedding
from tests.conftest import TINY, calibrated, loaded


@pytest.fixture(scope="module")
def found():
    module = calibrated(TINY)
    module.patch_embedding.weight.data[5] = 0
    (step,) = analysis.compute(loaded(module=module), (), analysis.Options())
    return step.partial


def test_orders_put_the_largest_first(found):
    assert (np.diff(found.norm[patch_embedding.sorted_channels(found, "norm")]) <= 0).all()
    assert (
        np.diff(found.orientation[patch_embedding.sorted_channels(found, "orientation")]) >= 0
    ).all()
    assert patch_embedding.sorted_channels(found, "channel").tolist() == list(range(12))


def test_colours_are_grey_at_zero_and_full_at_the_largest_weight(found):
    colors = patch_embedding.colors(found)
    assert colors.shape == (12, 2, 2, 3)
    assert set(np.unique(colors[5])) <= {127, 128}
    assert all(colors[c].max() == 255 or colors[c].min() == 0 for c in range(12) if c != 5)


def test_the_polar_plot_shows_the_living_only(found):
    (points,) = patch_embedding.draw(found).data
    assert 5 not in points.customdata
    assert np.array_equal(points.theta, found.orientation[points.customdata])


def test_words_count_the_dead(found):
    assert "1 of them dead" in patch_embedding.describe(found)
    sheet = patch_embedding.grid(found, "channel")
    assert sheet.bands[0].texts[5].endswith("dead")
    assert sheet.values[5] == (5,)
    assert patch_embedding.filters_png(found).startswith(b"\x89PNG")
