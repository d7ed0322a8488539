"""CKA between blocks as a map and a sentence; what cannot be compared is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz import agreement
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import representation as figures
from convmixer_viz.questions.representation import Representation


def represent(count: int, seed: int = 0, constant: bool = False) -> Representation:
    features = np.random.default_rng(seed).normal(size=(3, count, 40))
    if constant:
        features[1] = 1
    names = tuple(f"{i}" for i in range(count))
    gram = features @ features.transpose(0, 2, 1)
    return Representation(blocks=(0, 1, 2), gram=gram, images=names, names=names)


def test_the_map_is_cka_and_constant_blocks_stay_empty() -> None:
    first, second = represent(8), represent(8, 1, constant=True)
    values = np.array(figures.draw(first, other=second).data[0].z)
    expected = agreement.cka(first.gram, second.gram).values
    assert np.allclose(values[:, [0, 2]], expected[:, [0, 2]]) and np.isnan(values[:, 1]).all()
    assert "Constant over these pictures: block 1 of the other." in figures.describe(first, second)
    assert np.allclose(np.diag(np.array(figures.draw(first).data[0].z)), 1)


def test_too_few_pictures_are_a_sentence() -> None:
    figure = figures.draw(represent(3))
    assert not figure.data and "4 pictures or more, not 3" in figure.layout.annotations[0].text
    assert figures.describe(represent(3)) == "CKA needs 4 pictures or more, not 3."


def test_answers_to_different_pictures_are_not_compared() -> None:
    other = replace(represent(8), images=tuple("abcdefgh"))
    with pytest.raises(ChoiceError, match="these saw different ones"):
        figures.draw(represent(8), other=other)
