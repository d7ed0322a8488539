"""Faithfulness by repetition: the same method on shaken pixels and on randomised weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import lazy_loader as lazy
import numpy as np

from convmixer_viz.analyses.attribution import tokens_of
from convmixer_viz.analyses.methods import METHODS
from convmixer_viz.analyses.scene import Scene
from convmixer_viz.comparison import spearman

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from convmixer_viz.model import ConvMixer
else:
    torch = lazy.load("torch")

SHAKES, REACH = 10, 0.02  # of the normalised pixels, uniform


def sensitivity_chunks(_: Scene, chunks: int) -> int:
    return SHAKES * chunks


def max_sensitivity(scene: Scene, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """max ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖ over ten draws of δ uniform in ±0.02 (low is good)."""
    generator, worst = scene.generator(), 0.0
    for _ in range(SHAKES):
        shake = REACH * (2 * torch.rand(scene.pixels.shape, generator=generator) - 1)
        shaken = scene.again(scene.model, scene.pixels + scene.model.place(shake))
        moved = yield from _map(shaken)
        worst = max(worst, float((moved - tokens).norm()))
    size = float(tokens.norm())
    yield {"max_sensitivity": worst / size if size else None}


def stages(scene: Scene) -> tuple[str, ...]:
    """What the cascade randomises, one after another: from the head down to the stem."""
    depth = len(scene.model.module.blocks)
    return ("head", *(f"block {block}" for block in range(depth, 0, -1)), "stem")


def randomisation_chunks(scene: Scene, chunks: int) -> int:
    return len(stages(scene)) * chunks


def randomisation(scene: Scene, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """Spearman correlation of |φ| with the original's, the weights randomised from the head
    down, stage by stage (Adebayo et al. 2018): a map that stays alike explains no model. NaN
    where a map is constant."""
    alike: list[float] = []
    for module in cascade(scene):
        model = replace(scene.model, module=module)
        found = yield from _map(scene.again(model, scene.pixels))
        same = spearman(found.abs().numpy(), tokens.abs().numpy())
        alike.append(math.nan if same is None else same)
    yield {"randomisation": np.array(alike, np.float32), "stages": stages(scene)}


def cascade(scene: Scene) -> Iterator[ConvMixer]:
    """One copy of the model after each stage. Batch norm of what was randomised is measured anew
    on noise, for with reset statistics the gradient fades away; what is still trained keeps its
    own. Each stage has its own seed."""
    from convmixer_viz.model import initialise

    module = copy.deepcopy(scene.model.module)
    parts: list[nn.Module] = [module.head, *reversed(list(module.blocks)), module.stem]
    for number, part in enumerate(parts, 1):
        seed = 1000 * scene.options.seed + number
        initialise(part, seed)
        _recalibrate(module, parts[:number], seed, scene.side)
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


def _map(scene: Scene) -> Generator[dict[str, Any], None, Tensor]:
    """The method's map by token, (H, W) on the CPU; nothing to report after each chunk."""
    tokens = torch.empty(0)
    for found in METHODS[scene.options.method].plan(scene).maps:
        tokens = tokens_of(scene, found).cpu()
        yield {}
    return tokens
