"""An atlas of every depthwise kernel: what each one measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import BatchNorm2d

from convmixer_viz.analyses.kernels.statistics import dead, measure
from convmixer_viz.contract import Step
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.model.convmixer import Block
from convmixer_viz.model.kernel_shapes import clusters, templates
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.kernels import KernelAtlas, Options


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[KernelAtlas]]:
    """One step a block; only the last has the result. Pictures are not looked at."""
    blocks = options.blocks or tuple(range(1, model.preset.shape.depth + 1))
    parts = []
    for done, block in enumerate(blocks, 1):
        parts.append(_measure_block(find_block(model, block), options.seed))
        yield Step(done, len(blocks), _atlas(blocks, parts) if done == len(blocks) else None)


def find_block(model: LoadedModel, number: int) -> Block:
    """The block of that number, from 1."""
    depth = model.preset.shape.depth
    if not 1 <= number <= depth:
        raise ChoiceError(f"{model.preset.name} has no block {number}: choose 1 to {depth}.")
    return list(model.module.walk())[number - 1]


def check_channel(model: LoadedModel, channel: int) -> None:
    """Channels count from 0."""
    last = model.preset.shape.dim - 1
    if not 0 <= channel <= last:
        raise ChoiceError(f"{model.preset.name} has no channel {channel}: choose 0 to {last}.")


def depthwise(block: Block) -> NDArray[np.float32]:
    """The kernels (dim, k, k) of a block."""
    return block.depthwise.weight[:, 0].float().cpu().contiguous().numpy()


def _measure_block(block: Block, seed: int) -> dict[str, NDArray[Any]]:
    weights, norm = depthwise(block), block.depthwise_norm
    labels, representatives = clusters.cluster(weights, seed)
    measured = measure(weights)
    code = measured.pop("code")
    return {name: value.astype(np.float32) for name, value in measured.items()} | {
        "weights": weights,
        "code": code,
        "norm_scale": norm_scale(norm),
        "norm_sign": norm.weight.float().sign().cpu().numpy(),
        "cluster": labels,
        "representatives": representatives,
        "dead": dead(measured["energy"]),
    }


def norm_scale(norm: BatchNorm2d) -> NDArray[np.float32]:
    """|γ|/√(σ²+ε) (dim,) of a batch norm."""
    variance = cast("Tensor", norm.running_var).double()  # every batch norm here keeps one
    scale = norm.weight.double().abs() / (variance + norm.eps).sqrt()
    return scale.float().cpu().numpy()


def _atlas(blocks: Sequence[int], parts: list[dict[str, NDArray[Any]]]) -> KernelAtlas:
    k = parts[0]["weights"].shape[-1]
    stacked: dict[str, Any] = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    return KernelAtlas(
        blocks=np.array(blocks),
        class_names=templates.CLASSES,
        threshold=templates.threshold(k),
        decidable=templates.decidable(k),
        **stacked,
    )
