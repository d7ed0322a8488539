"""The atlas of all depthwise kernels: what each one measures, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels.layers import depthwise_kernels, find_block, norm_scale
from convmixer_viz.analyses.kernels.statistics import dead, measure
from convmixer_viz.analyses.kernels.weights import kernel_count, layer_bytes
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import Block
from convmixer_viz.model.kernel_shapes import clusters, templates
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.kernels import CLASSES, KernelAtlas, Options


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[KernelAtlas]]:
    """One step a block; only the last has the result. Pictures are not looked at."""
    blocks = options.blocks or tuple(range(1, model.preset.shape.depth + 1))
    parts = []
    for done, block in enumerate(blocks, 1):
        parts.append(_measure_block(find_block(model, block), options.seed))
        yield Step(done, len(blocks), _atlas(blocks, parts) if done == len(blocks) else None)


def estimate(work: Workload) -> int:
    """A block's kernels measured; the atlas, twice while it is stacked."""
    return layer_bytes(work) + 2 * (4 * work.shape.kernel_size**2 + 100) * kernel_count(work)


def _measure_block(block: Block, seed: int) -> dict[str, NDArray[Any]]:
    weights, norm = depthwise_kernels(block), block.depthwise_norm
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


def _atlas(blocks: Sequence[int], parts: list[dict[str, NDArray[Any]]]) -> KernelAtlas:
    k = parts[0]["weights"].shape[-1]
    stacked: dict[str, Any] = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    return KernelAtlas(
        blocks=np.array(blocks),
        class_names=CLASSES,
        threshold=templates.threshold(k),
        decidable=templates.decidable(k),
        **stacked,
    )
