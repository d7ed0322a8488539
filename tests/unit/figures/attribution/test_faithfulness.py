"""Curves, controls and the table of scores."""

import numpy as np
import pytest

from convmixer_viz.analyses.attribution.faithfulness import MEASURES, compute
from convmixer_viz.figures.attribution import faithfulness as figures
from convmixer_viz.questions.faithfulness import Options
from tests.unit.analyses.questions import picture


@pytest.fixture
def found(tiny):
    def run(method="saliency", measures=tuple(MEASURES)):
        options = Options(method=method, target="3", measures=measures)
        *_, last = compute(tiny, [picture()], options)
        return last.partial

    return run


def test_a_curve_and_two_controls_on_each_side(found):
    result = found(measures=("deletion", "insertion"))
    figure = figures.draw(result, baseline="blur")
    assert len(figure.data) == 6
    np.testing.assert_array_equal(figure.data[0].y, result.deletion[1, 0])
    np.testing.assert_array_equal(figure.data[5].y, result.insertion[1, 2])


def test_controls_come_once_for_several_methods(found):
    both = [found(measures=("deletion",)), found("occlusion", measures=("deletion",))]
    assert [trace.name for trace in figures.compare(both).data] == [
        "saliency", "random", "centre-first", "occlusion"
    ]  # fmt: skip


def test_the_table_has_what_was_measured(found):
    whole, some = figures.table([found(), found(measures=("infidelity",))])
    assert all(value is not None for name, value in whole.items() if name != "completeness")
    assert some["infidelity"] is not None and some["deletion"] is None
    assert set(figures.SCORES) <= whole.keys()


def test_the_randomisation_curve(found):
    result = found(measures=("randomisation",))
    (line,) = figures.draw_randomisation([result, found(measures=())]).data
    np.testing.assert_array_equal(line.y, result.randomisation)
    assert tuple(line.x) == result.stages


def test_controls_in_words(found):
    result = found(measures=("deletion",))
    assert f"random {result.deletion_area[0, 1]:.3f}" in figures.describe_controls(result)
    assert "insertion" not in figures.describe_controls(result)
