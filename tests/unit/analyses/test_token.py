"""Each step's number is the model's own, and each sum is the sum of what is listed before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.evidence import compute as compute_evidence
from convmixer_viz.analyses.token import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions import evidence
from convmixer_viz.questions.token import Options, TokenSteps
from tests.conftest import TINY, final, loaded
from tests.unit.analyses.questions import RELU, picture

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even")
PLAIN = replace(TINY, shape=replace(TINY.shape, residual=False))
EVEN = replace(TINY, shape=replace(TINY.shape, kernel_size=4))
AT = (0, 7)  # in a corner, so that the kernel looks beyond the edge


def steps_of(model: LoadedModel, **choices: Any) -> TokenSteps:
    return final(compute(model, [picture()], Options(**choices)))


@pytest.mark.parametrize("preset", [TINY, RELU, PLAIN, EVEN], ids=["gelu", "relu", "plain", "even"])
def test_each_number_is_the_models_own(preset: Preset) -> None:
    model = loaded(preset)
    token, states = steps_of(model, block=2, channel=5, token=AT), []
    with torch.no_grad():
        states = [state[0, 5, *AT] for state in model.module.states(model.tensor([picture()]))]
    assert token.stem[3] == pytest.approx(float(states[0]), abs=1e-6)
    assert token.pointwise[3] == pytest.approx(float(states[2]), abs=1e-6)
    if token.residual is not None:
        assert token.residual == pytest.approx(float(states[1]), abs=1e-6)
    assert (token.residual is None) == (preset is PLAIN)


@pytest.mark.parametrize("preset", [TINY, EVEN], ids=["odd", "even"])
def test_each_sum_is_that_of_what_is_shown(preset: Preset) -> None:
    token = steps_of(loaded(preset), block=2, channel=5, token=AT)
    patch, near = (token.patch * token.filter).sum(), (token.neighbourhood * token.kernel).sum()
    assert patch + token.stem[0] == pytest.approx(token.stem[1], abs=1e-5)
    assert near + token.spatial[0] == pytest.approx(token.spatial[1], abs=1e-5)
    mean, variance, gain, shift = token.norm
    normed = (token.spatial[2] - mean) / np.sqrt(variance) * gain + shift
    assert normed == pytest.approx(token.spatial[3], abs=1e-5)
    assert token.spatial[3] + (token.residual or 0) == pytest.approx(token.mixed, abs=1e-5)
    across = (token.weights * token.values).sum() + token.rest + token.pointwise[0]
    assert across == pytest.approx(token.pointwise[1], abs=1e-5)
    assert (np.diff(np.abs(token.weights * token.values)) <= 0).all()


def test_what_it_says_is_its_evidence() -> None:
    model = loaded()
    token = steps_of(model, block=1, token=AT, target="3", against="1", strongest=4)
    exact = final(compute_evidence(model, [picture()], evidence.Options(target="3", against="1")))
    assert token.evidence == pytest.approx(float(exact.exact[AT]), abs=1e-6)
    assert token.logit == pytest.approx(exact.logit) and token.target_name == exact.target_name
    cells = token.grid[0] * token.grid[1]
    listed = (token.head_weights * token.head_values).sum() / cells
    assert len(token.says) == 4
    assert listed + token.head_rest == pytest.approx(token.evidence, abs=1e-9)
