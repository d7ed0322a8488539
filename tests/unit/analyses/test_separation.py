"""The probe against a dense least-squares solution, planes against numpy's components."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from convmixer_viz.analyses import separation
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.survey import Survey

DRAW = np.random.default_rng(4)
LABELS = DRAW.integers(0, 3, 60)


def survey(features: NDArray[np.float16], labels: NDArray[np.int64] = LABELS) -> Survey:
    """A survey of which only the features and the labels matter."""
    n = len(labels)
    empty: Any = np.zeros(0)
    maps: Any = np.zeros((3, 2, 2))
    return Survey(
        classes=("a", "b", "c"), labelled=True, blocks=empty, reference=labels,
        logits=np.zeros((n, 3), np.float32), votes=empty, centre=empty,
        feature_pictures=np.arange(n), features=features, answers=empty, pictures=empty,
        tokens=empty, class_pictures=np.bincount(labels, minlength=3), class_answers=empty,
        silent=empty, class_evidence=maps, token_votes=maps,
    )  # fmt: skip


def test_the_probe_is_the_dense_solution() -> None:
    x = DRAW.normal(size=(60, 8)) * np.arange(1, 9) + 5
    weights, offset = separation.fit(x, LABELS, 3)
    centred, targets = x - x.mean(0), np.eye(3)[LABELS]
    ridge = 1e-3 * x.var(0).mean()
    stacked = np.vstack([centred, np.sqrt(60 * ridge) * np.eye(8)])
    wanted = np.vstack([targets - targets.mean(0), np.zeros((8, 3))])
    expected, *_ = np.linalg.lstsq(stacked, wanted, rcond=None)
    np.testing.assert_allclose(weights, expected, atol=1e-12)
    np.testing.assert_allclose(x.mean(0) @ weights + offset, targets.mean(0), atol=1e-12)


def test_a_block_that_tells_the_classes_apart_is_told_from_one_that_does_not() -> None:
    noise = DRAW.normal(size=(60, 2, 8))
    noise[:, 1, :3] += 20 * np.eye(3)[LABELS]
    share = separation.probe_accuracy(survey(noise.astype(np.float16)))
    assert share[1] == 1 and share[0] < 0.7
    assert scipy.stats.binom(30, 1 / 3).sf(30 * share[0]) > 1e-4  # no better than chance


def test_a_plane_is_numpys_first_two_components_to_sign() -> None:
    x = DRAW.normal(size=(50, 6)) * (9, 5, 1, 1, 1, 1)
    left, values, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    expected = left[:, :2] * values[:2]
    expected /= np.sqrt((expected**2).sum(1).mean())
    np.testing.assert_allclose(np.abs(separation.principal_plane(x)), np.abs(expected), atol=1e-9)


def test_each_block_is_turned_onto_the_one_before() -> None:
    """Blocks that differ by a turn and a mirror lie on each other."""
    first = DRAW.normal(size=(60, 5)) * (9, 5, 0.1, 0.1, 0.1)
    turn, _ = np.linalg.qr(DRAW.normal(size=(5, 5)))
    both = np.stack([first, first @ turn * (1, 1, 1, 1, -1)], 1).astype(np.float16)
    one, other = separation.planes(survey(both))
    np.testing.assert_allclose(one, other, atol=2e-2)


def test_features_of_nothing_are_on_one_point() -> None:
    assert not separation.principal_plane(np.ones((5, 3))).any()


def test_too_few_pictures_are_a_sentence() -> None:
    with pytest.raises(ChoiceError, match="needs features of 4 pictures"):
        separation.probe_accuracy(survey(np.ones((2, 1, 3), np.float16), LABELS[:2]))
