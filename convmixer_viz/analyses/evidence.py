"""What each token adds to a class's logit: exactly at the end, as a probe at earlier blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.target import Target, choose_target
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.evidence import Evidence, Options

Probe = tuple[Tensor, Tensor]  # contributions (H, W), and logits (classes,)


class _Outputs(NamedTuple):
    """What one forward pass gave."""

    logits: Tensor  # (classes,)
    tokens: Tensor  # (dim, H, W) float64, the last block's
    probes: dict[int, Probe]  # by block


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Evidence]]:
    """One step for the question, one for the stem and each block."""
    module, total = model.module, len(model.module.blocks) + 2
    tokens = model.tensor(images)
    logits, side = model.logits(tokens)[0], min(tokens.shape[-2:])
    target = choose_target(model, logits, options.target, options.against)
    stages: list[Callable[[Tensor], Tensor]] = [module.embed, *module.walk()]
    row = head_row(module, target)
    yield Step(1, total)
    probes: dict[int, Probe] = {}
    for block, stage in enumerate(stages):
        tokens, probe = _advance(model, stage, tokens, side)
        if block in (options.blocks or range(total)):
            probes[block] = contributions(tokens[0].double(), row), probe
        if block < total - 2:
            yield Step(block + 2, total)
    outputs = _Outputs(logits, tokens[0].double(), probes)
    yield Step(total, total, _result(model, images[0], target, outputs))


def estimate(work: Workload) -> int:
    """A block's step, or at the end the last tokens in float64 and every class's map."""
    maps = DOUBLE * work.cells * (work.shape.depth + 1 + 2 * work.class_count)
    last = work.state + 2 * DOUBLE * work.numbers
    return work.prepared + max(work.forward(), last) + maps


def head_row(module: ConvMixer, target: Target) -> Tensor:
    """The head's weights of the score, (dim,) float64."""
    return target.score(module.head.weight.double().T)


def contributions(tokens: Tensor, row: Tensor) -> Tensor:
    """What each token adds to a score through pooling and head: (dim, H, W) and (…, dim) →
    (…, H, W), Σ_c row_c · tokens_c / (H·W)."""
    return torch.einsum("cij,...c->...ij", tokens, row) / tokens[0].numel()


def _advance(
    model: LoadedModel, stage: Callable[[Tensor], Tensor], tokens: Tensor, side: int
) -> tuple[Tensor, Tensor]:
    """The next block's output, and the logits (classes,) that the head makes of it."""

    def next_and_logits(part: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            following = stage(part)
            return following, model.module.classify(following).double()

    following, logits = model.call(next_and_logits, tokens, side)
    return following, logits[0]


def _result(
    model: LoadedModel, image: PreparedPicture, target: Target, outputs: _Outputs
) -> Evidence:
    logits, last, probes = outputs
    image = image.cropped_to_patches(model.preset.shape.patch_size)
    head = model.module.head
    bias, logit = (float(target.score(t.double())) for t in (head.bias, logits))
    exact = contributions(last, head_row(model.module, target))
    error = abs(float(exact.sum()) + bias - logit)
    top = [int(p.argmax()) for _, p in probes.values()]
    return Evidence(
        picture=image.name,
        target=target.index,
        against=target.against,
        target_name=target.name(model.class_names),
        blocks=np.array(list(probes)),
        maps=np.stack([_array(map_) for map_, _ in probes.values()]),
        per_class=_array(contributions(last, head.weight.double())),
        bias=bias,
        logit=logit,
        error=error,
        relative_error=error / (float(exact.abs().sum()) + abs(bias)),
        probe_top=np.array(top),
        probe_names=tuple(model.class_names[index] for index in top),
        probe_probability=np.array(
            [float(target.probability(p)) for _, p in probes.values()], np.float32
        ),
        probe_logit=np.array([float(target.score(p)) for _, p in probes.values()], np.float32),
        view=image.view,
        box=image.box,
    )


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
