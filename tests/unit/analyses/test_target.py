"""What is explained: a logit, or one class rather than another."""

from __future__ import annotations

import math

import pytest
import torch

from convmixer_viz.analyses.target import Target, choose_target, chosen_block
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError

LOGITS = torch.tensor([[1.0, 3.0, 0.0], [2.0, 0.0, -1.0]])


def test_a_score_is_a_logit_or_the_difference_of_two() -> None:
    assert Target(1).score(LOGITS).tolist() == [3, 0]
    assert Target(1, 0).score(LOGITS).tolist() == [2, -2]


def test_a_probability_is_among_all_classes_or_between_the_two() -> None:
    among = Target(1).probability(LOGITS)
    assert among.dtype == torch.float64
    assert float(among[0]) == pytest.approx(math.e**3 / (math.e + math.e**3 + 1))
    between = Target(1, 0).probability(LOGITS)
    assert float(between[0]) == pytest.approx(1 / (1 + math.e**-2))


def test_names_say_both() -> None:
    names = ("cat", "dog", "frog")
    assert (Target(1).name(names), Target(1, 2).name(names)) == ("dog", "dog rather than frog")


def test_the_target_is_the_predicted_class_unless_one_is_named(tiny: LoadedModel) -> None:
    logits = torch.arange(10.0)
    assert choose_target(tiny, logits, None, None) == Target(9)
    assert choose_target(tiny, logits, "3", "4") == Target(3, 4)
    with pytest.raises(ChoiceError, match="class 9 rather than class 9 asks nothing"):
        choose_target(tiny, logits, None, "9")


def test_no_block_is_the_last(tiny: LoadedModel) -> None:
    assert [chosen_block(tiny, block) for block in (None, 0, 2)] == [3, 0, 2]
