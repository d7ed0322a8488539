"""Scores by repetition: the same method on slightly changed pixels and on randomised weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convmixer_viz.agreement import spearman
from convmixer_viz.analyses.attribution.maps import plan, tokens_of
from convmixer_viz.analyses.attribution.question import Question
from convmixer_viz.model.convmixer import ConvMixer, initialise

DRAWS, REACH = 10, 0.02  # random changes of the normalised pixels, uniform in ± REACH


def sensitivity_chunks(_: Question, chunks: int) -> int:
    """Chunks of max_sensitivity, for a method of so many chunks."""
    return DRAWS * chunks


def max_sensitivity(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """max ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖ over ten draws of δ uniform in ±0.02 (low is good)."""
    generator, worst = question.generator(), 0.0
    for _ in range(DRAWS):
        change = REACH * (2 * torch.rand(question.pixels.shape, generator=generator) - 1)
        pixels = question.pixels + question.model.place(change)
        moved = yield from _map(question.ask_again(question.model, pixels))
        worst = max(worst, float((moved - tokens).norm()))
    size = float(tokens.norm())
    yield {"max_sensitivity": worst / size if size else None}


def stages(question: Question) -> tuple[str, ...]:
    """What the cascade randomises, one after another: from the head down to the stem."""
    depth = len(question.model.module.blocks)
    return ("head", *(f"block {block}" for block in range(depth, 0, -1)), "stem")


def randomisation_chunks(question: Question, chunks: int) -> int:
    """Chunks of randomisation, for a method of so many chunks."""
    return len(stages(question)) * chunks


def randomisation(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """Spearman correlation of |φ| with the original's, the weights randomised from the head
    down, stage by stage (Adebayo et al. 2018): a map that stays alike explains no model. NaN
    where a map is constant."""
    alike: list[float] = []
    for module in cascade(question):
        model = replace(question.model, module=module)
        randomised = yield from _map(question.ask_again(model, question.pixels))
        same = spearman(randomised.abs().numpy(), tokens.abs().numpy())
        alike.append(math.nan if same is None else same)
    yield {"randomisation": np.array(alike, np.float32), "stages": stages(question)}


def cascade(question: Question) -> Iterator[ConvMixer]:
    """One copy of the model after each stage. Batch norm of what was randomised is measured anew
    on noise, for with reset statistics the gradient fades away; what is still trained keeps its
    own. Each stage has its own seed."""
    module = copy.deepcopy(question.model.module)
    parts: list[nn.Module] = [module.head, *reversed(list(module.blocks)), module.stem]
    for number, part in enumerate(parts, 1):
        seed = 1000 * question.options.seed + number
        initialise(part, seed)
        _recalibrate(module, parts[:number], seed, question.side)
        yield module


def _recalibrate(module: ConvMixer, parts: list[nn.Module], seed: int, side: int) -> None:
    """Statistics of the parts' batch norms from 8 pictures of N(0, 1), as everywhere."""
    norms = [m for part in parts for m in part.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    noise = torch.randn(8, 3, side, side, generator=torch.Generator().manual_seed(seed))
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    module.training = True  # the flag alone: all pictures in one batch
    with torch.no_grad():
        module(noise.to(module.head.weight.device, module.head.weight.dtype))
    for part in (module, *norms):
        part.training = False


def _map(question: Question) -> Generator[dict[str, Any], None, Tensor]:
    """The method's map by token, (H, W) on the CPU; nothing to report after each chunk."""
    tokens = torch.empty(0)
    for values in plan(question).maps:
        tokens = tokens_of(question, values).cpu()
        yield {}
    return tokens
