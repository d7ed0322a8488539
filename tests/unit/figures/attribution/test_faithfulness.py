"""Curves, controls and the table of scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

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
