"""Lists of pictures, and two models on the same ones, against counts by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats

from convmixer_viz.contract import Provenance
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.survey import Options, Survey
from tests.unit.analyses.test_separation import survey

LABELS = np.array([0, 0, 1, 1, 2, 2])
SURE = np.array([9.0, 2.0, 5.0, 1.0, 3.0, 4.0])  # of the class that is said


def said(*classes: int, images: str = "a") -> Survey:
    logits = np.zeros((6, 3), np.float32)
    logits[np.arange(6), classes] = SURE
    origin: Any = dict.fromkeys(Provenance.__dataclass_fields__, "")
    provenance = Provenance(**origin | {"images": (images,)})
    features = np.zeros((6, 1, 2), np.float16)
    return replace(survey(features, LABELS), logits=logits, provenance=provenance)


def test_lists_begin_with_the_surest_or_the_least_sure() -> None:
    result = said(0, 1, 1, 0, 0, 0)
    assert result.right.tolist() == [True, False, True, False, False, False]
    assert result.surest_mistakes.tolist() == [5, 4, 1, 3]
    assert result.least_sure.tolist() == [3, 1, 4, 5, 2, 0]
    assert result.pictures_of(2, 0).tolist() == [5, 4]
    assert result.pictures_of(None, 0).tolist() == [0, 5, 4, 3]
    assert result.pictures_of(1, None).tolist() == [2, 3]
    assert result.confusion.tolist() == [[1, 1, 0], [1, 1, 0], [2, 0, 0]]


def test_two_models_are_compared_picture_by_picture() -> None:
    first, other = said(0, 1, 1, 0, 0, 0), said(1, 0, 1, 1, 2, 1)
    rivalry = other.against(first)
    assert (rivalry.lost, rivalry.won, rivalry.both_wrong) == (1, 3, 1)
    assert rivalry.on_the_firsts_mistakes == 0.75
    assert rivalry.differ.tolist() == [0, 5, 4, 1, 3]
    assert rivalry.p_value == scipy.stats.binomtest(1, 4).pvalue
    with pytest.raises(ChoiceError, match="same pictures"):
        other.against(said(0, 0, 0, 0, 0, 0, images="b"))


def test_a_draw_of_too_many_features_is_refused() -> None:
    with pytest.raises(ChoiceError, match="choose 0 to 50,000"):
        Options(features=50_001)
