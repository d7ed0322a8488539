"""Bars by class names, or by numbers where no names came with the weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convmixer_viz.analyses.prediction import compute
from convmixer_viz.figures import prediction as figures
from convmixer_viz.questions.prediction import Options
from tests.unit.analyses.questions import picture


@pytest.fixture
def result(tiny):
    *_, last = compute(tiny, [picture()], Options(top=3))
    return last.partial


def test_bars_are_named_best_on_top(result):
    named = replace(result, classes=tuple(f"kind {n}" for n in range(len(result.classes))))
    (bars,) = figures.draw(named).data
    assert list(bars.y) == [f"kind {index} ({index})" for index in result.top[0]]
    assert list(bars.x) == sorted(bars.x, reverse=True)
    assert "knows only: kind 0, kind 1" in figures.describe_classes(named)


def test_classes_without_names_are_told_by_their_numbers(result):
    numbered = replace(result, classes=tuple(str(n) for n in range(len(result.classes))))
    (bars,) = figures.draw(numbered).data
    assert bars.y[0] == f"class {result.top[0, 0]}"
    assert "by their numbers" in figures.describe_classes(numbered)
