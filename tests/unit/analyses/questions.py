"""Pictures and models with known answers for the tests of attribution."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from convmixer_viz.analyses.attribution.maps import ask, plan
from convmixer_viz.analyses.attribution.question import Question
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.attribution import Options
from tests.conftest import TINY, calibrated, loaded

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


def weight(model: LoadedModel, index: int) -> torch.Tensor:
    """The linear network's weight of each pixel, (3, h, w), by finite differences from zero."""
    zero = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    module = copy.deepcopy(model.module).double()
    eye = torch.eye(zero.numel(), dtype=torch.float64).view(-1, 3, 16, 16)
    rises = [module(part) - module(zero) for part in torch.split(eye, 64)]
    return torch.cat(rises)[:, index].view(3, 16, 16)


def question(model: LoadedModel, name: str, **choices: object) -> Question:
    options = Options(method=name, **{"target": "3", "steps": 5, **choices})  # type: ignore[arg-type]
    return ask(model, model.tensor([picture()]), options)


def run(asked: Question) -> torch.Tensor:
    """The method's last map."""
    *_, last = plan(asked).maps
    return last
