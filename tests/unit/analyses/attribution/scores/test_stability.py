"""Repetition: changed pixels and randomised weights against slower ways to the same numbers."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from convmixer_viz.analyses.attribution.maps import tokens_of
from convmixer_viz.analyses.attribution.question import patch_sums
from convmixer_viz.analyses.attribution.scores import removal, stability
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.presets.table import Preset
from tests.conftest import loaded
from tests.unit.analyses.questions import RELU, last_fields, line, make_question


def test_a_linear_networks_saliency_is_insensitive() -> None:
    model, weights = line()
    question = make_question(model, "saliency")
    tokens = tokens_of(question, weights)
    assert last_fields(stability.max_sensitivity, question, tokens)["max_sensitivity"] < 1e-3


def test_max_sensitivity_by_hand(tiny: LoadedModel) -> None:
    question = make_question(tiny, "saliency")

    def sensitivity(x: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(tiny.module(x)[0, 3], x)
        return patch_sums(gradient[0].double().abs(), 2)

    base, generator = sensitivity(question.pixels), question.generator()
    moves = []
    for _ in range(10):
        change = 0.02 * (2 * torch.rand(1, 3, 16, 16, generator=generator) - 1)
        moved = sensitivity(question.pixels + change)
        moves.append(float((moved - base).norm() / base.norm()))
    largest = last_fields(stability.max_sensitivity, question, base)["max_sensitivity"]
    assert largest == pytest.approx(max(moves), rel=1e-3)


@pytest.mark.parametrize("preset", [None, RELU], ids=["gelu", "relu"])
def test_the_cascade_randomises_downwards(tiny: LoadedModel, preset: Preset | None) -> None:
    model = loaded(preset) if preset else tiny
    question = make_question(model, "saliency")
    original = copy.deepcopy(model.module.state_dict())
    changed = []
    for module in stability.cascade(question):
        state = module.state_dict()
        changed.append({k for k in state if not torch.equal(state[k], original[k])})
        one, other = module(torch.cat([question.pixels, -question.pixels]))
        assert (one - other).abs().max() > 1e-2 * one.abs().max()  # measured, so it sees
    assert changed[0] == {"head.weight", "head.bias"}
    assert all(small < large for small, large in itertools.pairwise(changed))
    assert {k for k in changed[1] if not k.startswith("head")} == {
        k for k in changed[1] if k.startswith("blocks.2.")
    }
    assert {k for k in original if "weight" in k or "running" in k} <= changed[-1]
    torch.testing.assert_close(model.module.state_dict(), original)


def test_the_stem_too_is_measured_on_all_pictures_at_once(tiny: LoadedModel) -> None:
    question = make_question(tiny, "saliency")
    *_, module = stability.cascade(question)
    seed = 1000 * question.options.seed + len(stability.stages(question))
    noise = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    convolution, activation, norm = module.stem
    measured = activation(convolution(noise)).mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, measured, atol=1e-5, rtol=0)
    assert not any(part.training for part in module.modules())


def test_a_map_of_zeros_has_no_sensitivity_and_no_rank(tiny: LoadedModel) -> None:
    question = make_question(tiny, "saliency")
    zeros = torch.zeros(question.grid)
    assert last_fields(stability.max_sensitivity, question, zeros)["max_sensitivity"] is None
    assert removal._misfit(torch.ones(3), torch.zeros(3)) is None
    alike = last_fields(stability.randomisation, question, zeros)["randomisation"]
    assert np.isnan(alike).all()


def test_each_layer_of_the_cascade_has_its_own_draws(tiny: LoadedModel) -> None:
    *_, module = stability.cascade(make_question(tiny, "saliency"))
    first, second, _ = module.walk()
    assert not torch.equal(first.pointwise.weight, second.pointwise.weight)
    assert not torch.equal(first.depthwise.weight, second.depthwise.weight)


def test_randomisation_of_a_map_without_a_model_stays_one(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = torch.randn(8, 8)
    monkeypatch.setattr(stability, "_map", lambda question: iter_value(fixed))
    fields = last_fields(stability.randomisation, make_question(tiny, "saliency"), fixed)
    np.testing.assert_allclose(fields["randomisation"], 1, rtol=1e-6)


def iter_value(value: Tensor) -> Generator[dict[str, Any], None, Tensor]:
    yield {}
    return value
