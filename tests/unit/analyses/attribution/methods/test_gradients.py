"""Gradient methods on linear networks, whose answer is known, and their steps."""

from __future__ import annotations

import pytest
from torch import Tensor

from convmixer_viz.analyses.attribution.maps import plan
from convmixer_viz.analyses.attribution.question import baselines
from convmixer_viz.engine import runtime
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.questions.attribution import Baseline
from tests.conftest import TINY, loaded
from tests.unit.analyses.questions import (
    RELU,
    assert_close,
    attribution,
    last_map,
    make_question,
)


@pytest.mark.parametrize("name", ["saliency", "smoothgrad", "guided-backprop"])
def test_sensitivities_of_a_linear_network_are_its_weights(
    line: tuple[LoadedModel, Tensor], name: str
) -> None:
    model, expected = line
    assert_close(last_map(make_question(model, name, samples=3)), expected)


@pytest.mark.parametrize("baseline", ["mean", "black", "blur", "noise"])
@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_contributions_of_a_linear_network(
    line: tuple[LoadedModel, Tensor], name: str, baseline: Baseline
) -> None:
    model, weights = line
    question = make_question(model, name, baseline=baseline, steps=2)
    way = (question.pixels - baselines(question)).double().mean(0)
    assert_close(last_map(question), weights * way)


def test_input_x_gradient_of_a_linear_network(line: tuple[LoadedModel, Tensor]) -> None:
    question = make_question(line[0], "input-x-gradient")
    assert_close(last_map(question), line[1] * question.pixels[0])


def test_gradient_shap_of_a_linear_network_without_noise(line: tuple[LoadedModel, Tensor]) -> None:
    question = make_question(line[0], "gradient-shap", sigma=0.0, samples=7)
    assert_close(last_map(question), line[1] * question.pixels[0])


def test_integrated_gradients_converge(tiny: LoadedModel) -> None:
    few, many = (attribution(tiny, "integrated-gradients", steps=n) for n in (4, 64))
    assert few.completeness is not None and many.completeness is not None
    assert many.completeness < 1e-3 < few.completeness


def test_relus_jumping_gradient_gets_twice_the_steps() -> None:
    questions = [
        make_question(loaded(preset), "integrated-gradients", steps=None) for preset in (TINY, RELU)
    ]
    plans = [plan(question) for question in questions]
    assert [plan.total * runtime.CPU_BATCH for plan in plans] == [200, 400]
