"""How far classes have come apart at each block: by a linear probe, and seen on a plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.survey import Survey

Doubles = NDArray[np.float64]
RIDGE = 1e-3  # of the mean variance
FEWEST = 4  # pictures, for two halves of two


def probe_accuracy(survey: Survey, seed: int = 0) -> Doubles:
    """(depth + 1,) The share of one half of the pictures whose class a linear map of a block's
    pooled features tells, fitted on the other half."""
    labels = survey.reference[survey.feature_pictures]
    if len(labels) < FEWEST:
        raise ChoiceError(f"A linear probe needs features of {FEWEST} pictures: keep more.")
    order = np.random.default_rng(seed).permutation(len(labels))
    fitted, measured = order[: len(order) // 2], order[len(order) // 2 :]
    shares = []
    for block in range(survey.features.shape[1]):
        x = survey.features[:, block].astype(np.float64)
        weights, offset = fit(x[fitted], labels[fitted], len(survey.classes))
        said = (x[measured] @ weights + offset).argmax(1)
        shares.append((said == labels[measured]).mean())
    return np.array(shares)


def fit(x: Doubles, labels: NDArray[np.int64], classes: int) -> tuple[Doubles, Doubles]:
    """Least squares of one-hot classes on features (n, d), with a ridge of RIDGE · trace / d of
    their covariance: weights (d, classes), offset (classes,)."""
    mean, targets = x.mean(0), np.eye(classes)[labels]
    centred, middle = x - mean, targets.mean(0)
    covariance = centred.T @ centred / len(x)
    ridge = RIDGE * np.trace(covariance) / len(covariance)
    left = covariance + (ridge or 1.0) * np.eye(len(covariance))
    right = centred.T @ (targets - middle) / len(x)
    weights: Doubles = scipy.linalg.solve(left, right, assume_a="pos")
    return weights, middle - mean @ weights


def planes(survey: Survey) -> Doubles:
    """(depth + 1, m, 2) Each block's pictures on its first two principal components, of mean
    square 1, turned onto the block before."""
    places: list[Doubles] = []
    for block in range(survey.features.shape[1]):
        plane = principal_plane(survey.features[:, block])
        if places:
            turn, _ = scipy.linalg.orthogonal_procrustes(plane, places[-1])
            plane = plane @ turn
        places.append(plane)
    return np.stack(places)


def principal_plane(features: NDArray[np.floating[Any]]) -> Doubles:
    """(n, d) → (n, 2): the first two principal components, scaled to a mean square of 1."""
    centred = features.astype(np.float64)
    centred -= centred.mean(0)
    size = len(centred.T)
    _, axes = scipy.linalg.eigh(centred.T @ centred, subset_by_index=(max(0, size - 2), size - 1))
    plane = centred @ axes[:, ::-1]
    return np.asarray(plane / (np.sqrt((plane**2).sum(1).mean()) or 1.0))
