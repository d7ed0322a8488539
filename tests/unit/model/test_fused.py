"""Fused blocks: the plain ones' numbers, and never stale ones."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from convmixer_viz.engine import hardware
from convmixer_viz.model import fused
from convmixer_viz.model.convmixer import Block, ConvMixer, initialise
from convmixer_viz.presets.table import Activation, Shape
from tests.conftest import TINY, calibrated, loaded

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
    reason="this torch has no oneDNN",
)

ACTIVATIONS: tuple[Activation, ...] = ("gelu", "relu")
SHAPES = [
    Shape(12, 3, k, 2, activation=activation, residual=residual)
    for activation, residual, k in product(ACTIVATIONS, (True, False), (3, 5))
]


def pair(shape: Shape) -> tuple[ConvMixer, ConvMixer]:
    """A calibrated float32 model, and the same one fused."""
    plain = calibrated(replace(TINY, shape=shape))
    blended = calibrated(replace(TINY, shape=shape))
    fused.fuse(blended, grid=8)
    return plain, blended


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fused_blocks_give_the_plain_ones_numbers(shape: Shape, noise: Tensor) -> None:
    """Also in another batch and on another grid than they were packed for."""
    plain, blended = pair(shape)
    assert not any(type(block) is Block for block in blended.walk())
    for pixels in (noise, noise[:1, :, :10, :12]):
        expected = plain(pixels)
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(blended(pixels), expected, rtol=1e-4, atol=1e-5)


def test_gradients_come_from_the_plain_layers(noise: Tensor) -> None:
    plain, blended = pair(TINY.shape)
    pixels = noise[:2].requires_grad_()
    slopes = [torch.autograd.grad(m(pixels)[:, 0].sum(), pixels)[0] for m in (plain, blended)]
    assert torch.equal(*slopes)


def test_a_changed_copy_answers_with_its_own_weights(noise: Tensor) -> None:
    plain, blended = pair(TINY.shape)
    copied, twin = copy.deepcopy(blended), blended.twin()
    assert {type(block) for model in (copied, twin) for block in model.walk()} == {Block}
    assert not any(module.training for module in copied.modules())
    assert torch.equal(copied(noise), plain(noise))
    for model in (copied, plain):
        initialise(model.blocks[1], seed=5)
    assert torch.equal(copied(noise), plain(noise))
    assert not torch.allclose(copied(noise), blended(noise), rtol=0.01)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_even_kernels_stay_as_they_are(noise: Tensor) -> None:
    plain, blended = pair(replace(TINY.shape, kernel_size=4))
    assert torch.equal(plain(noise), blended(noise))


def test_fast_mode_fuses_where_bfloat16_is_native() -> None:
    model = loaded(mode="fast")
    kinds = {type(block) for block in model.module.walk()}
    assert kinds == {fused.FusedBlock if hardware.native_bf16() else Block}
    assert model.nbytes > loaded().nbytes / 2
    assert {type(block) for block in loaded().module.walk()} == {Block}


def test_operators_that_compute_something_else_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = fused.FusedBlock.forward
    monkeypatch.setattr(fused.FusedBlock, "forward", lambda block, x: plain(block, x) * 1.01)
    assert not fused.available.__wrapped__(torch.float32)
    monkeypatch.setattr(fused.FusedBlock, "forward", lambda block: None)  # other arguments
    assert not fused.available.__wrapped__(torch.float32)


@pytest.mark.skipif(not hardware.native_bf16(), reason="no native bfloat16")
def test_the_check_holds_in_native_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fused.FusedBlock.forward
    assert fused.available.__wrapped__(torch.bfloat16)
    monkeypatch.setattr(fused.FusedBlock, "forward", lambda block, x: plain(block, x) * 1.05)
    assert not fused.available.__wrapped__(torch.bfloat16)


def test_the_check_draws_nothing_from_torchs_own_generator() -> None:
    before = torch.get_rng_state()
    assert fused.available.__wrapped__(torch.float32)
    assert torch.equal(torch.get_rng_state(), before)
