"""The figure of a survey: confusion in percent, calibration with intervals, and its sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz import agreement, catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures import survey as figures
from convmixer_viz.questions.survey import Survey
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def result(model: LoadedModel) -> Survey:
    """Five pictures of class 1: three said to be 1, two 0; 0.8 sure of each."""
    survey = compute(catalog.SURVEY, model, [picture(seed) for seed in range(5)])
    logits = np.full((5, 10), -99, np.float32)
    logits[:3, 1], logits[3:, 0] = np.log(0.8), np.log(0.8)
    logits[:3, 0], logits[3:, 1] = np.log(0.2), np.log(0.2)
    return replace(survey, labelled=True, reference=np.ones(5, np.int64), logits=logits)


def test_a_row_is_the_share_of_a_class(result: Survey) -> None:
    matrix, diagonal, points = figures.draw(result).data
    assert matrix.z[1, :2].tolist() == [40, 60] and np.isnan(matrix.z[0]).all()
    assert matrix.customdata[1, :2].tolist() == [2, 3] and (matrix.zmin, matrix.zmax) == (0, 100)
    assert diagonal.x == diagonal.y
    assert points.x == pytest.approx([80]) and points.y == pytest.approx([60])
    low, high = agreement.wilson(3, 5)
    assert points.error_y.array == pytest.approx([100 * high - 60])
    assert points.error_y.arrayminus == pytest.approx([60 - 100 * low])


def test_the_sentence_tells_counts_interval_and_mistakes(result: Survey) -> None:
    sentence = figures.describe(result)
    assert "3 of 5 pictures right, 60.00 %" in sentence
    assert "calibration error 20.00 % over 15 bins" in sentence
    assert "class 1 for class 0 2 times. " in sentence
    silent = np.zeros((2, 3, 12), np.int64)
    silent[0, 1, :4], silent[1, 2, 0] = 5, 4
    assert "4 kernels and 0 channels of 36 each" in figures.describe(replace(result, silent=silent))
    unlabelled = figures.describe(replace(result, labelled=False))
    assert unlabelled.startswith("5 pictures without labels.")
