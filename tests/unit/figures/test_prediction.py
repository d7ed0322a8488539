"""Bars by class names, or by numbers where no names came with the weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures import prediction as figures
from convmixer_viz.questions.prediction import Prediction
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def prediction(model: LoadedModel) -> Prediction:
    return compute(catalog.PREDICTION, model, [picture()], top=3)


def test_bars_are_named_best_on_top(prediction: Prediction) -> None:
    classes = tuple(f"kind {number}" for number in range(len(prediction.classes)))
    known = replace(prediction, classes=classes)
    (bars,) = figures.draw(known).data
    assert list(bars.y) == [f"kind {index} ({index})" for index in known.top[0]]
    assert list(bars.x) == sorted(bars.x, reverse=True)
    assert "knows only: kind 0, kind 1" in figures.describe_classes(known)


def test_classes_without_names_are_numbers(prediction: Prediction) -> None:
    classes = tuple(str(number) for number in range(len(prediction.classes)))
    nameless = replace(prediction, classes=classes)
    (bars,) = figures.draw(nameless).data
    assert bars.y[0] == f"class {nameless.top[0, 0]}"
    assert "by their numbers" in figures.describe_classes(nameless)
