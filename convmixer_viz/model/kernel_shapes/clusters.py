"""Kernels that look alike: k-means on unit-norm kernels, the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COUNT = 16
ROUNDS = 30


def cluster(
    kernels: NDArray[np.floating], seed: int, count: int = COUNT
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Label (n,) of each of (n, k, k) kernels, 0 the largest cluster, and the index (clusters,) of
    the kernel nearest to each centre; min(count, n) clusters, none of them empty."""
    flat = kernels.reshape(len(kernels), -1).astype(np.float64)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, norm, out=np.zeros_like(flat), where=norm > 0)
    centres = _spread_out(unit, min(count, len(unit)), np.random.default_rng(seed))
    for _ in range(ROUNDS):
        labels = _settle(_distances(unit, centres))
        moved = _means(unit, labels, len(centres))
        if np.array_equal(moved, centres):
            break
        centres = moved
    return _largest_first(labels, _distances(unit, centres))


def _spread_out(
    unit: NDArray[np.float64], count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """First centres by k-means++: each drawn with the squared distance to the nearest so far."""
    chosen = [int(generator.integers(len(unit)))]
    nearest = np.full(len(unit), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, _distances(unit, unit[chosen[-1:]])[:, 0])
        nearest[chosen] = 0
        left = nearest + (nearest.sum() == 0) * ~np.isin(np.arange(len(unit)), chosen)
        chosen.append(int(generator.choice(len(unit), p=left / left.sum())))
    return unit[chosen]


def _distances(unit: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances (n, clusters)."""
    squares = (unit**2).sum(1)[:, None] + (centres**2).sum(1)
    distances: NDArray[np.float64] = np.maximum(squares - 2 * unit @ centres.T, 0)
    return distances


def _settle(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Nearest centre of each; a centre that nobody chose takes the kernel farthest from its own."""
    labels: NDArray[np.int64] = distances.argmin(1)
    for empty in np.flatnonzero(np.bincount(labels, minlength=distances.shape[1]) == 0):
        shared = np.bincount(labels, minlength=distances.shape[1])[labels] > 1
        own = np.where(shared, distances[np.arange(len(labels)), labels], -1)
        labels[own.argmax()] = empty
    return labels


def _means(unit: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    member = (labels == np.arange(count)[:, None]).astype(np.float64)  # (clusters, n)
    return member @ unit / member.sum(1, keepdims=True)  # type: ignore[no-any-return]


def _largest_first(
    labels: NDArray[np.int64], distances: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes = np.bincount(labels, minlength=distances.shape[1])
    order = np.argsort(-sizes, kind="stable")
    inside = np.where(labels[:, None] == np.arange(len(sizes)), distances, np.inf)
    return np.argsort(order)[labels], inside.argmin(0)[order]
