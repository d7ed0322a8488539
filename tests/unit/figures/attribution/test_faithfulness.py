"""Curves, controls and the table of scores."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.attribution import faithfulness as figures
from convmixer_viz.questions.faithfulness import MEASURES, Faithfulness
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def scores(model: LoadedModel) -> Faithfulness:
    """Every score of the map of class 3 by saliency."""
    options = {"method": "saliency", "target": "3", "measures": tuple(MEASURES)}
    return compute(catalog.FAITHFULNESS, model, [picture()], **options)


def test_a_curve_and_two_controls_on_each_side(scores: Faithfulness) -> None:
    figure = figures.draw(scores, baseline="blur")
    assert len(figure.data) == 6
    assert scores.deletion is not None and scores.insertion is not None
    np.testing.assert_array_equal(figure.data[0].y, scores.deletion[1, 0])
    np.testing.assert_array_equal(figure.data[5].y, scores.insertion[1, 2])


def test_controls_come_once_for_several_methods(scores: Faithfulness) -> None:
    first = replace(scores, insertion=None)
    results = [first, replace(first, method="occlusion")]
    names = [trace.name for trace in figures.compare(results).data]
    assert names == ["saliency", "random", "centre-first", "occlusion"]


def test_the_table_has_what_was_measured(scores: Faithfulness) -> None:
    every, some = figures.table([scores, replace(scores, deletion=None, deletion_area=None)])
    assert all(value is not None for name, value in every.items() if name != "completeness")
    assert some["infidelity"] is not None and some["deletion"] is None


def test_the_randomisation_curve(scores: Faithfulness) -> None:
    (line,) = figures.draw_randomisation([scores, replace(scores, randomisation=None)]).data
    np.testing.assert_array_equal(line.y, scores.randomisation)
    assert tuple(line.x) == scores.stages
    (alone,) = figures.draw(replace(scores, deletion=None, insertion=None)).data
    np.testing.assert_array_equal(alone.y, scores.randomisation)


def test_a_sentence_gives_the_controls_areas(scores: Faithfulness) -> None:
    result = replace(scores, insertion=None, insertion_area=None)
    assert result.deletion_area is not None
    assert f"random {result.deletion_area[0, 1]:.3f}" in figures.describe_controls(result)
    assert "insertion" not in figures.describe_controls(result)


def test_a_cut_out_shows_the_set_that_keeps_the_answer(scores: Faithfulness) -> None:
    plain = replace(scores, fewest_removed=None, fewest_kept=None)
    assert figures.cut_out(plain) is None and figures.describe_smallest(plain) == ""
    result = replace(
        scores,
        answer="cat",
        fewest_removed=np.array([[-1, 9, 9], [2, 2, 2]]),
        fewest_kept=np.array([[5, 30, 12], [1, 1, 1]]),
    )
    picture = figures.cut_out(result)
    assert picture is not None
    alpha = np.asarray(Image.open(io.BytesIO(picture.png)))[::2, ::2, 3]  # a pixel a token
    assert np.array_equal(alpha == 255, result.keeps) and result.keeps.sum() == 5
    assert result.keeps.ravel()[result.tokens.argmax()] and not result.ends.any()
    assert (
        "end the answer cat: none by saliency, 9 by random, 9 by centre-first." in picture.caption
    )
    assert "alone keep it: 5 by saliency, 30 by random, 12 by centre-first." in picture.caption
