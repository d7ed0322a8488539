"""Patch filters in colour: order, texts, and the polar plot's angles."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz import catalog
from convmixer_viz.figures.kernels import patch_embedding as figures
from convmixer_viz.questions.patch_embedding import PatchEmbedding
from tests.conftest import TINY, calibrated, loaded
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def embedding() -> PatchEmbedding:
    """Twelve filters, of which number 5 is dead."""
    module = calibrated(TINY)
    module.patch_embedding.weight.data[5] = 0
    return compute(catalog.PATCH_EMBEDDING, loaded(module=module))


def test_orders_put_the_largest_first(embedding: PatchEmbedding) -> None:
    norms = embedding.norm[figures.sorted_channels(embedding, "norm")]
    angles = embedding.orientation[figures.sorted_channels(embedding, "orientation")]
    assert (np.diff(norms) <= 0).all()
    assert (np.diff(angles) >= 0).all()
    assert figures.sorted_channels(embedding, "channel").tolist() == list(range(12))


def test_colours_are_grey_at_zero_and_full_at_the_largest_weight(
    embedding: PatchEmbedding,
) -> None:
    colors = figures.colors(embedding)
    assert colors.shape == (12, 2, 2, 3)
    assert set(np.unique(colors[5])) <= {127, 128}
    assert all(colors[c].max() == 255 or colors[c].min() == 0 for c in range(12) if c != 5)


def test_the_polar_plot_shows_the_living_only(embedding: PatchEmbedding) -> None:
    (points,) = figures.draw(embedding).data
    assert 5 not in points.customdata
    assert np.array_equal(points.theta, embedding.orientation[points.customdata])


def test_texts_count_and_name_the_dead(embedding: PatchEmbedding) -> None:
    assert "1 of them dead" in figures.describe(embedding)
    sheet = figures.grid(embedding, "channel")
    assert sheet.bands[0].texts[5].endswith("dead")
    assert sheet.values[5] == (5,)
    assert figures.filters_png(embedding).startswith(b"\x89PNG")
