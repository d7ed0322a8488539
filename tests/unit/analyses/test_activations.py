"""Components, their turning from block to block, and the strongest channels."""

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.activations import align, compute, principal
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.activations import Options
from tests.conftest import TINY, calibrated, loaded
from tests.unit.analyses.questions import picture


def activations(model, **choices):
    steps = list(compute(model, [picture()], Options(**choices)))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return steps[-1].partial


@pytest.mark.parametrize("shape", [(64, 12), (20, 50)], ids=["few channels", "many"])
def test_components_are_those_of_the_svd(shape):
    tokens = np.random.default_rng(0).standard_normal(shape) * np.linspace(1, 5, shape[1])
    scores, explained = principal(tokens)
    u, s, _ = np.linalg.svd(tokens - tokens.mean(0))
    np.testing.assert_allclose(explained, s[:3] ** 2 / (s**2).sum(), rtol=1e-8)
    np.testing.assert_allclose(np.abs(np.diag(u[:, :3].T @ scores)), len(tokens) ** 0.5, rtol=1e-8)
    np.testing.assert_allclose(scores.std(0), 1)
    assert ((scores**3).sum(0) >= 0).all()


def test_what_does_not_vary_is_grey():
    scores, explained = principal(np.ones((64, 12)))
    assert not scores.any() and not explained.any()
    line = np.outer(np.arange(64.0), np.ones(12))
    scores, explained = principal(line)
    assert scores[:, 0].any() and not scores[:, 1:].any()
    np.testing.assert_allclose(explained, [1, 0, 0], atol=1e-12)


def test_alignment_undoes_any_turn_and_mirror():
    rng = np.random.default_rng(1)
    before = rng.standard_normal((64, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    for rotation in (turn, -turn, turn[:, [2, 0, 1]]):
        found, continuity = align(before @ rotation, before)
        np.testing.assert_allclose(found, before, atol=1e-9)
        assert continuity == pytest.approx(1)


def test_colours_do_not_jump_where_a_block_changes_nothing():
    module = calibrated(TINY)
    block = module.blocks[2]
    for tensor in (block.depthwise_norm.weight, block.depthwise_norm.bias, block.pointwise.bias):
        tensor.zero_()
    block.pointwise.weight.copy_(100 * torch.eye(12)[:, :, None, None])
    block.pointwise.bias.fill_(2000)  # far right, where GELU is the identity
    block.pointwise_norm.weight.fill_(1)
    block.pointwise_norm.running_var.fill_(1)
    found = activations(loaded(module=module))
    assert found.continuity[3] == pytest.approx(1, abs=1e-2)
    assert (found.continuity[1:3] < 0.99).all()


def test_strip_and_channels(tiny):
    found = activations(tiny, block=2, channels=5)
    assert found.blocks.tolist() == [0, 1, 2, 3]
    assert found.components.shape == (4, 8, 8, 3)
    assert 0 <= found.components.min() <= found.components.max() <= 1
    assert (found.components.std((1, 2)) > 0.1).all()
    assert (found.explained.sum(1) <= 1).all() and found.explained.shape == (4, 3)
    state = list(tiny.module.states(tiny.tensor([picture()])))[2][0]
    norm = tiny.module.blocks[1].pointwise_norm
    scaled = (state - norm.bias[:, None, None]) / norm.weight.abs()[:, None, None]
    strength = (scaled**2).mean((1, 2)).sqrt()
    assert found.channels.tolist() == strength.argsort(descending=True)[:5].tolist()
    np.testing.assert_allclose(
        found.channel_maps, scaled[found.channels.copy()], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(found.strength, strength[found.channels.copy()], rtol=1e-4)


def test_a_dead_channel_is_not_the_strongest():
    module = calibrated(TINY)
    module.blocks[2].pointwise_norm.weight[4] = 0
    found = activations(loaded(module=module), channels=12)
    assert found.channels[-1] == 4 and found.strength[-1] == 0


def test_blocks_shorten_the_strip_and_keep_its_colours(tiny):
    whole, some = activations(tiny), activations(tiny, blocks=(1, 3))
    np.testing.assert_array_equal(some.components, whole.components[[1, 3]])


def test_wrong_options_are_refused(tiny):
    with pytest.raises(ChoiceError):
        Options(channels=0)
    with pytest.raises(ChoiceError, match="has no block 9"):
        activations(tiny, block=9)
