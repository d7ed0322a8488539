"""Components, their turning from block to block, and the strongest channels."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from convmixer_viz.analyses.activations import align, compute, principal
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.activations import Activations, Options
from tests.conftest import TINY, calibrated, final, loaded
from tests.unit.analyses.questions import picture


def measure_activations(model: LoadedModel, **choices: Any) -> Activations:
    steps = list(compute(model, [picture()], Options(**choices)))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return final(steps)


@pytest.mark.parametrize("shape", [(64, 12), (20, 50)], ids=["few channels", "many"])
def test_components_are_those_of_the_svd(shape: tuple[int, int]) -> None:
    tokens = np.random.default_rng(0).standard_normal(shape) * np.linspace(1, 5, shape[1])
    scores, explained = principal(tokens)
    u, s, _ = np.linalg.svd(tokens - tokens.mean(0))
    np.testing.assert_allclose(explained, s[:3] ** 2 / (s**2).sum(), rtol=1e-8)
    np.testing.assert_allclose(np.abs(np.diag(u[:, :3].T @ scores)), len(tokens) ** 0.5, rtol=1e-8)
    np.testing.assert_allclose(scores.std(0), 1)
    assert ((scores**3).sum(0) >= 0).all()


def test_what_does_not_vary_is_grey() -> None:
    scores, explained = principal(np.ones((64, 12)))
    assert not scores.any() and not explained.any()
    line = np.outer(np.arange(64.0), np.ones(12))
    scores, explained = principal(line)
    assert scores[:, 0].any() and not scores[:, 1:].any()
    np.testing.assert_allclose(explained, [1, 0, 0], atol=1e-12)


def test_alignment_undoes_any_turn_and_mirror() -> None:
    rng = np.random.default_rng(1)
    before = rng.standard_normal((64, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    for rotation in (turn, -turn, turn[:, [2, 0, 1]]):
        turned, continuity = align(before @ rotation, before)
        np.testing.assert_allclose(turned, before, atol=1e-9)
        assert continuity == pytest.approx(1)


def test_colours_do_not_jump_where_a_block_changes_nothing() -> None:
    module = calibrated(TINY)
    *_, block = module.walk()
    bias = cast(Tensor, block.pointwise.bias)
    for tensor in (block.depthwise_norm.weight, block.depthwise_norm.bias, bias):
        tensor.zero_()
    block.pointwise.weight.copy_(100 * torch.eye(12)[:, :, None, None])
    bias.fill_(2000)  # far right, where GELU is the identity
    block.pointwise_norm.weight.fill_(1)
    cast(Tensor, block.pointwise_norm.running_var).fill_(1)
    activations = measure_activations(loaded(module=module))
    assert activations.continuity[3] == pytest.approx(1, abs=1e-2)
    assert (activations.continuity[1:3] < 0.99).all()


def test_strip_and_channels(tiny: LoadedModel) -> None:
    activations = measure_activations(tiny, block=2, channels=5)
    assert activations.blocks.tolist() == [0, 1, 2, 3]
    assert activations.components.shape == (4, 8, 8, 3)
    assert 0 <= activations.components.min() <= activations.components.max() <= 1
    assert (activations.components.std((1, 2)) > 0.1).all()
    assert (activations.explained.sum(1) <= 1).all() and activations.explained.shape == (4, 3)
    state = list(tiny.module.states(tiny.tensor([picture()])))[2][0]
    _, block, _ = tiny.module.walk()
    norm = block.pointwise_norm
    scaled = (state - norm.bias[:, None, None]) / norm.weight.abs()[:, None, None]
    strength = (scaled**2).mean((1, 2)).sqrt()
    assert activations.channels.tolist() == strength.argsort(descending=True)[:5].tolist()
    np.testing.assert_allclose(
        activations.channel_maps, scaled[activations.channels.copy()], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        activations.strength, strength[activations.channels.copy()], rtol=1e-4
    )


def test_a_dead_channel_is_not_the_strongest() -> None:
    module = calibrated(TINY)
    *_, block = module.walk()
    block.pointwise_norm.weight[4] = 0
    activations = measure_activations(loaded(module=module), channels=12)
    assert activations.channels[-1] == 4 and activations.strength[-1] == 0


def test_blocks_shorten_the_strip_and_keep_its_colours(tiny: LoadedModel) -> None:
    whole, some = measure_activations(tiny), measure_activations(tiny, blocks=(1, 3))
    np.testing.assert_array_equal(some.components, whole.components[[1, 3]])


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ChoiceError):
        Options(channels=0)
