"""The model: shapes, walking, twins, and calibration that makes random weights see."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
import torch

from convmixer_viz.engine import runtime
from convmixer_viz.model import convmixer
from convmixer_viz.presets.table import PRESETS, Preset
from tests.conftest import TINY, calibrated


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_parameters_are_what_the_shape_says(preset: Preset) -> None:
    with torch.device("meta"):
        module = convmixer.ConvMixer(preset.shape, preset.class_count)
    assert sum(p.numel() for p in module.parameters()) == preset.parameters


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("imagenet-768-32", 21_110_248),
        ("imagenet-1024-20", 24_383_464),
        ("imagenet-1536-20", 51_625_960),
        ("cifar10-256-8", 594_186),
    ],
)
def test_published_parameter_counts(name: str, count: int) -> None:
    assert PRESETS[name].parameters == count


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("imagenet-768-32", (115_605_504, 1_233_125_376, 19_327_352_832, 768_000)),
        ("imagenet-1024-20", (154_140_672, 424_673_280, 5_368_709_120, 1_024_000)),
        ("imagenet-1536-20", (231_211_008, 2_548_039_680, 48_318_382_080, 1_536_000)),
    ],
)
def test_multiply_adds_to_the_digit(name: str, parts: tuple[int, ...]) -> None:
    preset = PRESETS[name]
    counted = preset.shape.multiply_adds(224, preset.class_count)
    assert tuple(counted.values()) == parts


def test_multiply_adds_equal_what_the_layers_do() -> None:
    counted = 0

    def count(layer: torch.nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal counted
        weight = cast(torch.Tensor, layer.weight)
        counted += out[0].numel() // weight.shape[0] * weight.numel()

    module = convmixer.ConvMixer(TINY.shape, 10).eval()
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    module.train()(torch.zeros(2, 3, 16, 16))
    assert counted == sum(TINY.shape.multiply_adds(16, 10).values())


def test_walking_gives_the_forward_pass(noise: torch.Tensor) -> None:
    module = calibrated(TINY)
    *_, last = states = list(module.states(noise))
    assert len(states) == TINY.shape.depth + 1
    assert {tuple(state.shape) for state in states} == {(16, 12, 8, 8)}
    assert torch.equal(module.classify(last), module(noise))


@pytest.mark.parametrize("side", [2, 3, 7, 16, 33])
def test_any_side_from_one_patch_up(side: int) -> None:
    assert calibrated(TINY)(torch.zeros(1, 3, side, side)).shape == (1, 10)


def test_the_residual_is_a_switch(noise: torch.Tensor) -> None:
    plain = replace(TINY, shape=replace(TINY.shape, residual=False))
    module = convmixer.ConvMixer(plain.shape, 10)
    module.load_state_dict(calibrated(TINY).state_dict())
    block, state = next(module.freeze().walk()), module.embed(noise)
    assert torch.equal(block.spatial(state), block.spatial.fn(state))
    assert not torch.allclose(module(noise), calibrated(TINY)(noise))


def test_calibrated_random_weights_tell_pictures_apart(noise: torch.Tensor) -> None:
    def spread(module: convmixer.ConvMixer) -> float:
        logits = module(noise[:2])
        return float((logits[0] - logits[1]).abs().max() / logits.abs().max())

    blind = convmixer.ConvMixer(TINY.shape, 10)
    convmixer.initialise(blind, 0)
    assert spread(blind.freeze()) < 1e-2 < spread(calibrated(TINY))


def test_calibration_restores_modes_and_momenta() -> None:
    module = calibrated(TINY)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert not any(m.training for m in module.modules())
    assert {norm.momentum for norm in norms} == {0.1}


def test_a_random_twin_is_seeded_and_leaves_the_model_alone(noise: torch.Tensor) -> None:
    module = calibrated(TINY)
    before = module(noise)
    twins = [convmixer.random_twin(module, seed, 16) for seed in (0, 0, 1)]
    assert torch.equal(twins[0](noise), twins[1](noise))
    assert not torch.equal(twins[0](noise), twins[2](noise))
    assert torch.equal(module(noise), before)


def test_initialisation_is_torchs_own_distribution() -> None:
    ours, theirs = (convmixer.ConvMixer(PRESETS["cifar10-256-8"].shape, 10) for _ in range(2))
    convmixer.initialise(ours, 3)
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        if a.numel() > 1000:
            assert float(a.abs().max()) == pytest.approx(float(b.abs().max()), rel=0.01), name
            assert float(a.std()) == pytest.approx(float(b.std()), rel=0.05), name


def test_a_twin_shares_tensors_but_no_hooks(noise: torch.Tensor) -> None:
    module = calibrated(TINY)
    twin = module.twin()
    twin.head.register_forward_hook(lambda *_: torch.zeros(1))
    assert torch.equal(module(noise), calibrated(TINY)(noise))
    assert all(a is b for a, b in zip(module.parameters(), twin.parameters(), strict=True))
    assert not any(m is n for m, n in zip(module.modules(), twin.modules(), strict=True))


def test_a_loaded_model_is_frozen(tiny: runtime.LoadedModel) -> None:
    assert not any(p.requires_grad for p in tiny.module.parameters())
    assert not tiny.module.training
