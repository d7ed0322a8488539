"""Pictures and models with known answers for the tests of attribution."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convmixer_viz.analyses.attribution.maps import ask, compute, plan
from convmixer_viz.analyses.attribution.question import Question
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.attribution import AttributionMap, Options
from tests.conftest import TINY, calibrated, final, loaded

SHORT: dict[str, Any] = {"target": "3", "steps": 5, "samples": 12}
RELU = replace(TINY, shape=replace(TINY.shape, activation="relu"))


def picture(seed: int = 7, side: int = 16) -> PreparedPicture:
    """N(0, 1) pixels as a prepared picture."""
    array = np.random.default_rng(seed).standard_normal((3, side, side)).astype(np.float32)
    view = np.clip(array.transpose(1, 2, 0) * 40 + 128, 0, 255).astype(np.uint8)
    return PreparedPicture("noise", "0" * 64, array, view, (0.0, 0.0, float(side), float(side)))


def linear(preset: Preset = TINY) -> LoadedModel:
    """A network without activations: each pixel's contribution is its weight times its value."""
    module = calibrated(preset)
    for part in list(module.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.GELU | nn.ReLU):
                setattr(part, name, nn.Identity())
    return loaded(preset, module)


@cache
def line() -> tuple[LoadedModel, Tensor]:
    """A linear network, and its weight of each pixel for class 3, (3, h, w)."""
    model = linear()
    return model, weight(model, 3)


def weight(model: LoadedModel, index: int) -> Tensor:
    """The linear network's weight of each pixel, (3, h, w), by finite differences from zero."""
    zero = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    module = copy.deepcopy(model.module).double()
    eye = torch.eye(zero.numel(), dtype=torch.float64).view(-1, 3, 16, 16)
    rises = [module(part) - module(zero) for part in torch.split(eye, 64)]
    return torch.cat(rises)[:, index].view(3, 16, 16)


def make_question(model: LoadedModel, method: str, **choices: Any) -> Question:
    """A method's question about class 3 of the picture of noise."""
    options = Options(method=method, **{"target": "3", "steps": 5, **choices})
    return ask(model, model.tensor([picture()]), options)


def last_map(question: Question) -> Tensor:
    """The method's last map."""
    *_, last = plan(question).maps
    return last


def attribution(model: LoadedModel, method: str, **choices: Any) -> AttributionMap:
    """A method's result on the picture of noise, with few steps and samples."""
    options = Options(method=method, **{**SHORT, **choices})
    steps = list(compute(model, [picture()], options))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return final(steps)


def assert_close(values: Tensor, expected: Tensor) -> None:
    expected = torch.as_tensor(expected).double()
    torch.testing.assert_close(values, expected, rtol=0, atol=2e-4 * float(expected.abs().max()))


def last_fields(
    measure: Callable[[Question, Tensor], Iterator[dict[str, Any]]],
    question: Question,
    tokens: Tensor,
) -> dict[str, Any]:
    """What a measure gives after its last chunk."""
    *_, fields = measure(question, tokens)
    return fields
