"""Presets of unlike depth beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.kernels import comparison
from convmixer_viz.questions.kernels import KernelAtlas
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def shallow(model: LoadedModel) -> KernelAtlas:
    """The first two of three blocks."""
    return compute(catalog.KERNELS, model, blocks=(1, 2))


def test_comparing_aligns_relative_depth(atlas: KernelAtlas, shallow: KernelAtlas) -> None:
    figure = comparison.draw([atlas, shallow], "spread")
    assert figure.data[0].x[-1] == figure.data[2].x[-1] == 1
    assert figure.data[0].y[1] == pytest.approx(np.median(atlas.spread[1]))
    assert comparison.aligned_blocks([atlas, shallow], 1.0) == [3, 2]


def test_the_limit_is_the_largest_weight_of_the_blocks_shown(
    atlas: KernelAtlas, shallow: KernelAtlas
) -> None:
    limit = comparison.shared_limit([atlas, shallow], [3, 2], "raw")
    assert limit == max(np.abs(atlas.weights[2]).max(), np.abs(shallow.weights[1]).max())
