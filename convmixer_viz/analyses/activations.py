"""What the blocks hold of a picture: one block's strongest channels, and every block's tokens as
three colours that don't jump from block to block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import lazy_loader as lazy
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.target import chosen_block
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.activations import Activations, Options

scipy: Any = lazy.load("scipy")

Floats = NDArray[np.float64]

SPAN = 2.5  # standard deviations of a component from mid-grey to full colour, in every block


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Activations]]:
    """One step for the stem and each block."""
    shown, module = chosen_block(model, options.block), model.module
    strip: dict[int, tuple[Floats, Floats, float]] = {}
    before: Floats | None = None
    tokens, total = model.tensor(images), len(module.blocks) + 1
    side = min(tokens.shape[-2:])
    stages: list[Any] = [module.embed, *module.walk()]
    for block, stage in enumerate(stages):
        tokens = model.call(partial(_advance, stage), tokens, side)
        if block == shown:
            strongest = _strongest(module, tokens[0], block, options.channels)
        colours, explained = principal(_by_token(tokens[0]))
        colours, continuity = align(colours, before)
        before = colours
        if block in (options.blocks or range(total)):
            grid = colours.reshape(*tokens.shape[-2:], 3)
            strip[block] = (grid, explained, continuity)
        if block + 1 < total:
            yield Step(block + 1, total)
    seen = images[0].cropped_to_patches(model.preset.shape.patch_size)
    yield Step(total, total, _result(seen, shown, strongest, strip))


def estimate(work: Workload) -> int:
    """A block's tokens and four more in float64; the strip, and matrices of the smaller side."""
    size = min(work.cells, work.shape.dim)
    options: Options = work.options
    strip = DOUBLE * work.cells * (6 * (work.shape.depth + 1) + 12 + options.channels)
    tokens = work.state + 4 * DOUBLE * work.numbers
    return work.prepared + max(tokens, work.forward()) + strip + 4 * DOUBLE * size**2


def principal(tokens: Floats) -> tuple[Floats, Floats]:
    """First three principal components of (tokens, dim), each of unit variance, (tokens, 3), and
    their shares of the variance; a component without variance is zero."""
    centred = tokens - tokens.mean(0)
    gram = centred @ centred.T if len(tokens) <= tokens.shape[1] else centred.T @ centred
    size = len(gram)
    count = min(3, size)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=(size - count, size - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    scores = vectors if len(tokens) <= tokens.shape[1] else centred @ vectors
    scores = np.pad(scores, ((0, 0), (0, 3 - count)))
    total, values = float((centred**2).sum()), np.pad(values, (0, 3 - count))
    scores = np.where(values > 1e-9 * max(total, 1e-300), scores, 0)
    deviation = scores.std(0)
    scores = scores / np.where(deviation > 0, deviation, 1)
    return scores * _sign(scores), values.clip(min=0) / max(total, 1e-300)


def _sign(scores: Floats) -> Floats:
    """What makes each component's skew positive, so that a sign is no matter of chance."""
    return np.where((scores**3).sum(0) < 0, -1.0, 1.0)


def align(scores: Floats, before: Floats | None) -> tuple[Floats, float]:
    """Turn (and mirror) components to the block before, by orthogonal Procrustes, and say how
    well they then correlate; the first block stays."""
    if before is None:
        return scores, 1.0
    turn, _ = scipy.linalg.orthogonal_procrustes(scores, before)
    turned = scores @ turn
    size = np.linalg.norm(turned) * np.linalg.norm(before)
    return turned, float((turned * before).sum() / size) if size > 0 else 0.0


def _strongest(module: ConvMixer, tokens: Tensor, block: int, count: int) -> tuple[Any, Any, Any]:
    """Channels of largest root mean square, measured from the training mean in its deviations:
    batch norm leaves mean β and deviation |γ|."""
    part: Any = module.stem if block == 0 else list(module.walk())[block - 1]
    norm = part[-1]
    gain, shift = (t.double()[:, None, None] for t in (norm.weight.abs(), norm.bias))
    scaled = torch.where(gain > 1e-6, (tokens.double() - shift) / gain.clamp(min=1e-6), 0.0)
    strength = (scaled**2).mean((1, 2)).sqrt()
    order = strength.argsort(descending=True, stable=True)[:count]
    return order.cpu().numpy(), strength[order].cpu().numpy(), scaled[order].cpu().numpy()


def _advance(stage: Any, part: Tensor) -> Tensor:
    with torch.no_grad():
        return stage(part)  # type: ignore[no-any-return]


def _by_token(tokens: Tensor) -> Floats:
    return tokens.double().flatten(1).T.cpu().numpy()


def _result(
    image: PreparedPicture, block: int, strongest: tuple[Any, Any, Any], strip: dict[int, Any]
) -> Activations:
    channels, strength, maps = strongest
    grids, explained, continuity = zip(*strip.values(), strict=True)
    return Activations(
        picture=image.name,
        blocks=np.array(list(strip)),
        components=np.clip(0.5 + np.stack(grids) / (2 * SPAN), 0, 1).astype(np.float32),
        explained=np.stack(explained).astype(np.float32),
        continuity=np.array(continuity, np.float32),
        block=block,
        channels=channels,
        strength=strength.astype(np.float32),
        channel_maps=maps.astype(np.float32),
        view=image.view,
        box=image.box,
    )
