"""Differences on one scale; the pictures that two presets disagree on, the worst first."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.figures import comparison as figures
from convmixer_viz.questions.prediction import Prediction


def predict(*probabilities: float, classes: tuple[str, str] = ("cat", "dog")) -> Prediction:
    """A preset that gives the first class these probabilities, a picture each."""
    shares = np.array([[share, 1 - share] for share in probabilities], np.float32)
    count = len(shares)
    return Prediction(
        names=tuple(f"picture {number}" for number in range(count)),
        logits=np.log(shares),
        probabilities=shares,
        top=np.argsort(-shares, axis=1),
        classes=classes,
        views=np.zeros((count, 4, 4, 3), np.uint8),
    )


def test_differences_are_with_the_first_on_one_scale() -> None:
    rng = np.random.default_rng(0)
    first, second, third = (rng.normal(size=(16, 16)) for _ in range(3))
    heats = [figure.data[0] for figure in figures.draw_differences([first, second, third])]
    for heat, grid in zip(heats, (second, third), strict=True):
        np.testing.assert_array_equal(heat.z, grid - first)
    largest = max(np.abs(heat.z).max() for heat in heats)
    assert [(heat.zmin, heat.zmax) for heat in heats] == 2 * [(-largest, largest)]


def test_the_worst_disagreement_comes_first() -> None:
    shown = figures.disagreements(predict(0.9, 0.9, 0.6), predict(0.8, 0.1, 0.6), most=2)
    assert [caption.split(" · ")[0] for _, caption in shown] == ["picture 1", "picture 0"]
    assert "cat 90%" in shown[0][1] and "dog 90%" in shown[0][1]
    assert all(png.startswith(b"\x89PNG") for png, _ in shown)


@pytest.mark.parametrize("classes", [("cat", "fox"), ("dog", "cat")])
def test_unlike_classes_are_not_compared(classes: tuple[str, str]) -> None:
    assert figures.disagreements(predict(0.9), predict(0.1, classes=classes)) == []
