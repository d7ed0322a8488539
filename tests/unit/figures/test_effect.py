"""Figures and words of an effect that is written down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmixer_viz.figures import effect
from convmixer_viz.questions.effect import Effect

COUNTS: dict[str, Any] = {
    "sweep": "block",
    "points": ("block 1", "block 2"),
    "edits": ("off:blocks=1", "off:blocks=2"),
    "at": np.array([1.0, 2.0]),
    "pictures": 200,
    "labelled": True,
    "classes": ("cat", "dog", "ship"),
    "base_right": 180,
    "right": np.array([100, 170]),
    "lost": np.array([80, 12]),
    "won": np.array([0, 2]),
    "unchanged": np.array([104, 181]),
    "divergence": np.array([0.4, 0.05]),
    "logit_change": np.array([-2.0, -0.1]),
    "logit_change_error": np.array([0.1, 0.02]),
    "class_pictures": np.array([120, 80, 0]),
    "class_base_right": np.array([108, 72, 0]),
    "class_right": np.array([[60, 40, 0], [108, 62, 0]]),
    "class_logit_change": np.zeros((2, 3)),
    "control_names": ("random", "shuffle"),
    "control_right": np.array([[[20, 40], [60, 60]], [[90, 110], [160, 180]]]),
    "control_unchanged": np.zeros((2, 2, 2), np.int64),
    "control_divergence": np.zeros((2, 2, 2)),
    "control_logit_change": np.zeros((2, 2, 2)),
}


def made(**changes: Any) -> Effect:
    return Effect(**(COUNTS | changes))


def test_the_curve_and_its_controls() -> None:
    random, shuffled, edited = effect.draw(made()).data
    assert edited.y.tolist() == [50, 85] and list(edited.x) == [1, 2]
    assert edited.error_y.array[0] == pytest.approx(56.86 - 50, abs=0.01)  # Wilson, 100 of 200
    assert random.y.tolist() == [15, 30] and random.error_y.array.tolist() == [5, 0]
    assert shuffled.name == "shuffle: mean and range of 2 draws"
    assert effect.draw(made()).layout.yaxis.title.text == "pictures that are right (%)"
    assert "unedited" in effect.draw(made(labelled=False)).layout.yaxis.title.text


def test_classes_without_pictures_are_left_out() -> None:
    before, after = effect.draw_classes(made()).data
    assert list(before.x) == ["cat", "dog"] and before.y.tolist() == [90, 90]
    assert after.y.tolist() == [90, 77.5] and after.name == "block 2"


def test_numbers_that_double_stand_at_equal_steps() -> None:
    doubling = effect.draw(made(sweep="number", at=np.array([1.0, 128.0])))
    assert list(doubling.data[-1].x) == [0, 1]
    assert list(doubling.layout.xaxis.ticktext) == ["1", "128"]


def test_a_point_in_words() -> None:
    text = effect.describe(made(), 0)
    assert "50.0 % of 200 pictures are right (95 % interval 43.1 to 56.9), unedited 90.0 %" in text
    assert "80 lost, 0 won (McNemar, exact: p = 1.7e-24)" in text
    assert "dealt out anew in their block: 50.0 % in the mean of 2 draws (45.0 to 55.0)" in text
    assert "Control" not in effect.describe(made(control_names=()), 0)


def test_the_still_says_its_scale() -> None:
    assert "from blue (−40 points)" in effect.still(made()).caption


def test_a_probability_too_small_for_a_computer_is_said() -> None:
    hopeless = made(lost=np.array([1400, 12]), won=np.array([0, 2]), pictures=2000)
    assert hopeless.p_value(0) == 0 and hopeless.p_in_words(0) == "< 1e-300"
    assert "p < 1e-300" in effect.describe(hopeless, 0)
