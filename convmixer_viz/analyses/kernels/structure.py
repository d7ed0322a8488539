"""How the statistics of a layer's kernels change with depth, compared with random layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels import population
from convmixer_viz.analyses.kernels.layers import depthwise_kernels, find_block
from convmixer_viz.analyses.kernels.weights import layer_bytes
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import Block
from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.model.kernel_shapes.covariance import covariance
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.kernels import CLASSES
from convmixer_viz.questions.structure import Options, Structure


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Structure]]:
    """A step for each random layer, then one a block. Pictures are not looked at."""
    shape = model.preset.shape
    blocks = options.blocks or tuple(range(1, shape.depth + 1))
    total, layers, parts = population.RANDOM_LAYERS + len(blocks), [], []
    for number in range(population.RANDOM_LAYERS):
        seed = options.seed * population.RANDOM_LAYERS + number
        layers.append(population.random_layer(shape.dim, shape.kernel_size, seed))
        yield Step(number + 1, total)
    for done, block in enumerate(blocks, population.RANDOM_LAYERS + 1):
        parts.append(_measure(find_block(model, block)))
        last = done == total
        yield Step(done, total, _structure(model, blocks, parts, layers) if last else None)


def estimate(work: Workload) -> int:
    """A layer's kernels measured, its pointwise weights squared; the stacked covariances."""
    shape = work.shape
    pointwise = 5 * DOUBLE * shape.dim**2
    blocks = len(work.options.blocks) or shape.depth
    return layer_bytes(work) + pointwise + 5 * DOUBLE * blocks * shape.kernel_size**4


def _measure(block: Block) -> dict[str, NDArray[np.float64]]:
    kernels = depthwise_kernels(block)
    k = kernels.shape[-1]
    products = covariance(kernels)
    values, vectors = np.linalg.eigh(products)
    eigenkernels = vectors.T[::-1].reshape(-1, k, k)
    pointwise = block.pointwise.weight[:, :, 0, 0].double().cpu().numpy()
    squares = np.maximum(np.linalg.eigvalsh(pointwise @ pointwise.T)[::-1], 0)  # s²
    return population.measure(kernels) | {
        "covariance": products,
        "eigenvalues": np.maximum(values[::-1], 0),
        "eigenkernels": eigenkernels * _signs(eigenkernels),
        "pointwise_singular_values": np.sqrt(squares),
        "pointwise_rank": np.exp(population.entropy(squares)),
    }


def _signs(kernels: NDArray[np.float64]) -> NDArray[np.float64]:
    """An eigenvector has no sign of its own: its largest weight becomes positive."""
    flat = kernels.reshape(len(kernels), -1)
    largest = flat[np.arange(len(flat)), np.abs(flat).argmax(1)]
    return np.where(largest < 0, -1.0, 1.0)[:, None, None]


def _structure(
    model: LoadedModel,
    blocks: Sequence[int],
    parts: list[dict[str, NDArray[np.float64]]],
    layers: list[dict[str, NDArray[np.float64]]],
) -> Structure:
    k = model.preset.shape.kernel_size
    stacked: dict[str, Any] = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    bands: dict[str, Any] = {
        f"{name}_band": np.broadcast_to(value, (len(blocks), *value.shape))
        for name, value in population.band(layers).items()
    }
    return Structure(
        blocks=np.array(blocks),
        depth=model.preset.shape.depth,
        kernel_size=k,
        decidable=templates.decidable(k),
        class_names=CLASSES,
        **stacked,
        **bands,
    )
