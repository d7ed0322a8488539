"""Clusters that are known beforehand, the largest first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.model.kernel_shapes.clusters import cluster


def planted(count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """`count` shapes, shape i repeated 40 - i times with a little noise and any scale."""
    draw = np.random.default_rng(seed)
    shapes = draw.normal(size=(count, 5, 5))
    truth = np.repeat(np.arange(count), [40 - i for i in range(count)])
    noisy = shapes[truth] + 0.02 * draw.normal(size=(len(truth), 5, 5))
    return noisy * draw.uniform(0.1, 10, (len(truth), 1, 1)), truth


def test_planted_clusters_are_found_largest_first() -> None:
    kernels, truth = planted(6)
    labels, representatives = cluster(kernels, seed=0, count=6)
    assert np.array_equal(labels, truth)
    assert np.array_equal(truth[representatives], np.arange(6))


def test_clusters_repeat_and_none_is_empty() -> None:
    kernels = np.random.default_rng(3).normal(size=(40, 5, 5))
    (first, nearest), (second, _) = cluster(kernels, 5), cluster(kernels, 5)
    assert np.array_equal(first, second)
    assert (np.bincount(first, minlength=16) > 0).all()
    assert np.array_equal(first[nearest], np.arange(16))


def test_clusters_of_equal_and_of_few_kernels() -> None:
    labels, representatives = cluster(np.ones((20, 3, 3)), 0)
    assert set(labels) == set(range(16))
    assert len(set(representatives.tolist())) == 16
    assert cluster(np.ones((4, 3, 3)), 0)[1].shape == (4,)
