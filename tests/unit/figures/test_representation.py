"""CKA between blocks as a map and a sentence; what cannot be compared is refused."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import agreement
from convmixer_viz.comparison.numbers import likenesses
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import representation as figures
from convmixer_viz.questions.representation import Representation


def represent(
    count: int, seed: int = 0, *, constant: int | None = None, odd: int | None = None
) -> Representation:
    """Three blocks of random features; one may be constant, one the same but for one picture."""
    features = np.random.default_rng(seed).normal(size=(3, count, 40))
    if constant is not None:
        features[constant] = 1
    if odd is not None:
        features[odd, 1:] = 1
    names = tuple(f"{i}" for i in range(count))
    gram = features @ features.transpose(0, 2, 1)
    return Representation(blocks=(0, 1, 2), gram=gram, images=names, names=names)


def test_the_map_is_cka_and_constant_blocks_stay_empty() -> None:
    first, second = represent(8), represent(8, 1, constant=1)
    values = np.array(figures.draw(first, other=second).data[0].z)
    expected = agreement.cka(first.gram, second.gram).values
    assert np.allclose(values[:, [0, 2]], expected[:, [0, 2]]) and np.isnan(values[:, 1]).all()
    assert "Constant over these pictures: block 1 of the other." in figures.describe(first, second)
    assert np.allclose(np.diag(np.array(figures.draw(first).data[0].z)), 1)


def test_the_words_say_what_one_standard_deviation_is() -> None:
    first, second = represent(8), represent(8, 1)
    last = agreement.cka(first.gram, second.gram).values[-1, -1]
    assert figures.describe(first, second) == (
        f"Last blocks: CKA {last:.2f} over 8 pictures; that of unrelated features scatters about 0 "
        "with a standard deviation of 0.22."
    )


def test_a_last_block_without_cka_has_no_number_and_its_reason() -> None:
    first, constant, odd = represent(8), represent(8, 1, constant=2), represent(8, 1, odd=2)
    words = figures.describe(first, constant)
    assert words.startswith("Last blocks: no CKA over 8 pictures;")
    assert words.endswith("Constant over these pictures: block 2 of the other.")
    words = figures.describe(first, odd)
    assert words.startswith("Last blocks: no CKA over 8 pictures;")
    assert words.endswith("Not constant, but without a CKA: block 2 of the other.")
    assert figures.describe(odd).count("block 2") == 1
    for other in (constant, odd):
        assert np.isnan(np.array(figures.draw(first, other=other).data[0].z)[:, 2]).all()
        assert likenesses([first, other])[1]["CKA of last blocks"] is None


def test_a_still_leaves_blocks_without_cka_empty() -> None:
    still = figures.still(represent(8, constant=1))
    assert still is not None
    pixels = np.asarray(Image.open(BytesIO(still.png)).convert("RGBA"))[12::24, 12::24]
    assert (pixels[1, :, 3] == 0).all() and (pixels[:, 1, 3] == 0).all() and pixels[0, 0, 3] == 255


def test_too_few_pictures_are_a_sentence() -> None:
    figure = figures.draw(represent(3))
    assert not figure.data and "4 pictures or more, not 3" in figure.layout.annotations[0].text
    assert figures.describe(represent(3)) == "CKA needs 4 pictures or more, not 3."


def test_answers_to_different_pictures_are_not_compared() -> None:
    other = replace(represent(8), images=tuple("abcdefgh"))
    with pytest.raises(ChoiceError, match="these saw different ones"):
        figures.draw(represent(8), other=other)
