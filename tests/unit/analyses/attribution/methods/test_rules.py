"""Guided Backprop and DeepLift by hand, and where they are simpler maps under another name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from convmixer_viz.analyses.attribution.methods import rules
from convmixer_viz.analyses.attribution.question import baselines
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import ConvMixer
from tests.conftest import TINY, loaded
from tests.unit.analyses.questions import (
    RELU,
    assert_close,
    attribution,
    last_map,
    make_question,
)


class GuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.as_tensor(slope.clamp(min=0) * (x > 0))


class RescaleReLU(torch.autograd.Function):
    """Rows are the picture and the baseline; the multiplier is Δy/Δx."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        rise, run = x[0].clamp(min=0) - x[1].clamp(min=0), x[0] - x[1]
        return slope * torch.where(run.abs() < 1e-10, (x[0] > 0).float(), rise / run)


def by_hand(model: LoadedModel, x: Tensor, relu: Callable[[Tensor], Tensor]) -> Tensor:
    """The ReLU network by hand, with another backward rule."""
    for norm, conv, skip in layers(model.module):
        y = norm(relu(conv(x)))
        x = y + x if skip else y
    return torch.as_tensor(model.module.head(x.mean((2, 3))))


def layers(module: ConvMixer) -> Iterator[tuple[nn.Module, nn.Module, bool]]:
    """Batch norm, convolution, and whether a skip goes around them."""
    yield module.stem[2], module.stem[0], False
    for block in module.walk():
        yield block.depthwise_norm, block.depthwise, True
        yield block.pointwise_norm, block.pointwise, False


def test_guided_backprop_by_hand() -> None:
    question = make_question(loaded(RELU), "guided-backprop")
    x = question.pixels.clone().requires_grad_()
    score = by_hand(question.model, x, GuidedReLU.apply)[0, 3]
    assert_close(last_map(question), torch.autograd.grad(score, x)[0][0])


def test_deeplift_by_hand() -> None:
    question = make_question(loaded(RELU), "deeplift", baseline="black")
    pair = torch.cat([question.pixels, baselines(question)]).requires_grad_()
    score = by_hand(question.model, pair, RescaleReLU.apply)[:, 3].sum()
    multipliers = torch.autograd.grad(score, pair)[0][0]
    assert_close(last_map(question), multipliers * (pair[0] - pair[1]).detach())


@pytest.mark.parametrize(
    ("name", "simpler"),
    [
        ("guided-backprop", "the plain gradient"),
        ("deeplift", "gradient × (input − baseline)"),
    ],
)
def test_relu_rules_are_measured(name: str, simpler: str) -> None:
    gelu, relu = attribution(loaded(TINY), name), attribution(loaded(RELU), name)
    assert (gelu.valid, gelu.identical_to) == (False, simpler)
    assert (relu.valid, relu.identical_to) == (True, None)
    assert simpler in gelu.validity and simpler in relu.validity


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift"])
def test_fast_mode_measures_the_same(name: str) -> None:
    valid = [attribution(loaded(preset, mode="fast"), name).valid for preset in (TINY, RELU)]
    assert valid == [False, True]


def test_plain_gradient_is_saliency(tiny: LoadedModel) -> None:
    assert_close(
        rules.plain_gradient(make_question(tiny, "saliency")),
        last_map(make_question(tiny, "saliency")),
    )
