"""The figure of importance: kernels in order, tenths against sums, and its sentences."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures import importance as figures
from convmixer_viz.questions.importance import Importance
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def result(model: LoadedModel) -> Importance:
    return compute(catalog.IMPORTANCE, model, [picture(), picture()])


def test_a_block_rises_from_its_least_to_its_most_important_kernel(result: Importance) -> None:
    kernels, diagonal, tenths = figures.draw(result).data
    x, y = np.array(kernels.x).reshape(3, 12), np.array(kernels.y).reshape(3, 12)
    for block, place, values in zip(result.blocks, x, y, strict=True):
        assert (np.diff(values[place.argsort()]) >= 0).all()
        assert place.min() == pytest.approx(block - 0.42) and place.max() < block + 0.43
    assert np.array_equal(y, result.divergence)
    assert kernels.marker.cmax == -kernels.marker.cmin == np.abs(result.logit_change).max()
    assert np.array_equal(tenths.x, result.tenth_divergence[1]) and diagonal.x == diagonal.y


def test_the_sentence_tells_how_far_single_effects_are_from_adding_up(result: Importance) -> None:
    sums = np.stack([np.linspace(2, 4, 10), np.linspace(0.5, 1.5, 10)]).astype(np.float32)
    changed = replace(result, tenth_divergence=sums * np.float32(0.1), tenth_logit_change=-sums)
    sentence = figures.describe_sums(changed)
    assert (
        "0.2 to 0.4 bits (mean 0.3, 3 times the sum)" in sentence
        and "is 0.05 to 0.15 (0.1)" in sentence
    )
    assert "changes by -3, the sum is -1" in sentence
    assert "2 pictures" in figures.describe(changed) and "first class" in figures.describe(changed)
    assert "the change of cat's logit" in figures.describe(replace(changed, target_name="cat"))


def test_the_most_important_kernel_is_named(result: Importance) -> None:
    divergence = np.zeros((3, 12), np.float32)
    divergence[1, 7] = 0.25
    assert "kernel 7 of block 2, 0.25" in figures.describe(replace(result, divergence=divergence))


def test_the_still_has_a_row_a_block_from_the_most_important_on(result: Importance) -> None:
    png, caption = figures.still(result)
    picture = np.asarray(Image.open(BytesIO(png)).convert("L")).astype(int)
    height, width = picture.shape
    assert width % 12 == 0 and height % 3 == 0
    assert (np.diff(picture, axis=1) <= 2).all() and picture.max() == picture[:, 0].max()
    assert "0 (dark)" in caption
