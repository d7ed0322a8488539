"""All measures of one map: which are there, and what they begin and end with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from convmixer_viz.analyses.attribution.faithfulness import compute, entropy
from convmixer_viz.analyses.attribution.question import baselines
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.faithfulness import DEFAULT_MEASURES, MEASURES, Faithfulness, Options
from tests.conftest import final
from tests.unit.analyses.questions import make_question, picture


def measured(model: LoadedModel, **choices: Any) -> Faithfulness:
    options = Options(**{"method": "saliency", "target": "3", **choices})
    steps = list(compute(model, [picture()], options))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    assert len({step.total for step in steps}) == 1
    return final(steps)


def test_everything_at_once(tiny: LoadedModel) -> None:
    result = measured(tiny, measures=tuple(MEASURES))
    assert result.fractions.tolist() == np.linspace(0, 1, 33, dtype=np.float32).tolist()
    assert result.stages == ("head", "block 3", "block 2", "block 1", "stem")
    assert result.deletion is not None and result.insertion is not None
    assert result.randomisation is not None
    assert result.deletion.shape == result.insertion.shape == (2, 3, 33)
    assert result.randomisation.shape == (len(result.stages),) == (5,)
    for value in (result.road, result.infidelity, result.max_sensitivity, result.complexity):
        assert value is not None and math.isfinite(value)


def test_only_what_is_asked(tiny: LoadedModel) -> None:
    result = measured(tiny, measures=("infidelity",))
    assert result.infidelity is not None
    assert result.deletion is None and result.road is None and result.stages == ()


def test_curves_begin_and_end_at_the_whole_and_the_empty_picture(tiny: LoadedModel) -> None:
    result = measured(tiny, measures=("deletion", "insertion"))
    assert result.deletion is not None and result.insertion is not None
    question = make_question(tiny, "saliency", baseline="blur")
    whole = float(question.target.probability(tiny.module(question.pixels))[0])
    empty = float(question.target.probability(tiny.module(baselines(question)))[0])
    np.testing.assert_allclose(result.deletion[1, :, 0], whole, atol=1e-5)
    np.testing.assert_allclose(result.deletion[1, :, -1], empty, atol=1e-5)
    np.testing.assert_allclose(result.insertion[1, :, 0], empty, atol=1e-5)
    np.testing.assert_allclose(result.insertion[1, :, -1], whole, atol=1e-5)


def test_areas_are_trapezoids(tiny: LoadedModel) -> None:
    result = measured(tiny, measures=("deletion",))
    assert result.deletion is not None
    expected = np.trapezoid(result.deletion, result.fractions, axis=2)
    assert result.deletion_area is not None
    np.testing.assert_allclose(result.deletion_area, expected, rtol=1e-5)


def test_complexity_of_a_point_and_a_plane() -> None:
    point = np.zeros((8, 8), np.float32)
    point[2, 3] = -5
    assert entropy(point) == 0
    assert entropy(np.full((8, 8), -0.1, np.float32)) == pytest.approx(math.log(64))


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ChoiceError, match="magic"):
        Options(measures=("magic",))
    assert Options().measures == DEFAULT_MEASURES
