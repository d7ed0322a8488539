"""How the population of kernels changes with depth, held against random layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from convmixer_viz.analyses import population, templates
from convmixer_viz.analyses.kernels import check_blocks, depthwise, find_block
from convmixer_viz.contract import Result, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convmixer_viz.model import Block
    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel


@dataclass(frozen=True, slots=True)
class Options:
    blocks: Annotated[tuple[int, ...], "blocks to describe, 1 … depth; none is all"] = ()
    seed: Annotated[int, "seed of the random layers"] = 0

    def __post_init__(self) -> None:
        check_blocks(self.blocks)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Structure(Result):
    """One number a block for each of population.CURVES, and a band (blocks, 2) for each: the 2.5
    and 97.5 percentiles of 20 untrained layers of the same shape."""

    blocks: NDArray[np.int64]  # (blocks,), from 1
    depth: int
    kernel_size: int
    decidable: bool  # whether kernels of this size can be told from random ones
    class_names: tuple[str, ...]
    class_shares: NDArray[np.float64]  # (blocks, classes)
    class_shares_band: NDArray[np.float64]  # (blocks, classes, 2)
    mean_effective_size_50: NDArray[np.float64]  # (blocks,), tokens
    mean_effective_size_50_band: NDArray[np.float64]
    mean_effective_size_90: NDArray[np.float64]
    mean_effective_size_90_band: NDArray[np.float64]
    mean_border_share: NDArray[np.float64]
    mean_border_share_band: NDArray[np.float64]
    mean_low_frequency_share: NDArray[np.float64]
    mean_low_frequency_share_band: NDArray[np.float64]
    mean_parity: NDArray[np.float64]
    mean_parity_band: NDArray[np.float64]
    mean_r2: NDArray[np.float64]
    mean_r2_band: NDArray[np.float64]
    entropy: NDArray[np.float64]  # of the variances, divided by its bound log min(dim − 1, k²)
    entropy_band: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    sparsity_band: NDArray[np.float64]
    covariance: NDArray[np.float64]  # (blocks, k², k²), raw weights
    eigenvalues: NDArray[np.float64]  # (blocks, k²), largest first
    eigenkernels: NDArray[np.float64]  # (blocks, k², k, k), norm 1, the largest weight positive
    covariance_participation_ratio: NDArray[np.float64]  # (blocks,), (Σλ)² / Σλ²
    covariance_participation_ratio_band: NDArray[np.float64]
    covariance_rank: NDArray[np.float64]  # (blocks,), exp of the entropy
    covariance_rank_band: NDArray[np.float64]
    ring_profile: NDArray[np.float64]  # (blocks, rings), mean share of energy, innermost first
    ring_profile_band: NDArray[np.float64]  # (blocks, rings, 2)
    pointwise_singular_values: NDArray[np.float64]  # (blocks, dim), largest first
    pointwise_rank: NDArray[np.float64]  # (blocks,), exp of the entropy of s²/Σs²


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Structure]]:
    """A step for each random layer, then one a block. Pictures are not looked at."""
    shape = model.preset.shape
    blocks = options.blocks or tuple(range(1, shape.depth + 1))
    total, layers, parts = population.LAYERS + len(blocks), [], []
    for number in range(population.LAYERS):
        seed = options.seed * population.LAYERS + number
        layers.append(population.random_layer(shape.dim, shape.kernel_size, seed))
        yield Step(number + 1, total)
    for done, block in enumerate(blocks, population.LAYERS + 1):
        parts.append(_describe(find_block(model, block)))
        last = done == total
        yield Step(done, total, _structure(model, blocks, parts, layers) if last else None)


def _describe(block: Block) -> dict[str, NDArray[np.float64]]:
    kernels = depthwise(block)
    k = kernels.shape[-1]
    covariance = population.covariance(kernels)
    values, vectors = np.linalg.eigh(covariance)
    eigenkernels = vectors.T[::-1].reshape(-1, k, k)
    pointwise = block.pointwise.weight[:, :, 0, 0].double().cpu().numpy()
    squares = np.maximum(np.linalg.eigvalsh(pointwise @ pointwise.T)[::-1], 0)  # s²
    return population.describe(kernels) | {
        "covariance": covariance,
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
        class_names=templates.CLASSES,
        **stacked,
        **bands,
    )
