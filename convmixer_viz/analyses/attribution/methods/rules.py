"""Attribution by changed backward rules at the activations: captum's, on a twin of the model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import lazy_loader as lazy
import torch
from torch import Tensor, nn

from convmixer_viz.analyses.attribution.methods.gradients import gradient
from convmixer_viz.analyses.attribution.question import Plan, Question, baselines, one_chunk
from convmixer_viz.analyses.evidence import head_row

captum: Any = lazy.load("captum")


def guided_backprop(question: Question) -> Plan:
    """The gradient, with negative signals stopped at each ReLU (Springenberg et al. 2015)."""
    return one_chunk(lambda: _captum(question, "GuidedBackprop", question.pixels)[0])


def deeplift(question: Question) -> Plan:
    """Rescale rule: differences to the baseline's activations instead of derivatives, the mean
    over the baselines (Shrikumar et al. 2017)."""
    blanks = torch.split(baselines(question), 1)

    def maps() -> Iterator[Tensor]:
        total = torch.zeros_like(question.pixels[0], dtype=torch.float64)
        for done, blank in enumerate(blanks, 1):
            total = total + _captum(question, "DeepLift", question.pixels, blank)[0]
            yield total / done

    return Plan(len(blanks), maps())


def plain_gradient(question: Question) -> Tensor:
    """What Guided Backprop is where it finds no ReLU, (3, h, w)."""
    return gradient(question, question.pixels)[0]


def gradient_x_difference(question: Question) -> Tensor:
    """What DeepLift is where it knows no activation, (3, h, w)."""
    return plain_gradient(question) * (question.pixels - baselines(question)).double().mean(0)


def _captum(question: Question, name: str, *arguments: Tensor) -> Tensor:
    """One call of captum on its own modules, (n, 3, h, w) float64."""
    method = getattr(captum.attr, name)(_scorer(question))
    copies = [argument.detach().clone() for argument in arguments]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # captum announces its hooks each time
        attribution: Tensor = method.attribute(*copies, target=0)
    return attribution.detach().double()


def _scorer(question: Question) -> nn.Sequential:
    """The score as modules of its own over the model's tensors, (n, 3, h, w) → (n, 1): captum
    hooks modules, and pairs a picture with its baseline in one call only here."""
    twin, nn = question.model.module.twin(), torch.nn
    head = nn.Linear(twin.head.in_features, 1)
    head.weight = nn.Parameter(head_row(twin, question.target)[None].to(twin.head.weight), False)
    head.bias = nn.Parameter(question.target.score(twin.head.bias)[None].clone(), False)
    return nn.Sequential(twin.stem, twin.blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
