"""An atlas of every depthwise kernel: what each one measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np

from convmixer_viz.analyses import clusters, templates
from convmixer_viz.analyses.measures import STATISTICS, dead, measure
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import BatchNorm2d

    from convmixer_viz.model import Block
    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel


@dataclass(frozen=True, slots=True)
class Options:
    blocks: Annotated[tuple[int, ...], "blocks to measure, 1 … depth; none is all"] = ()
    seed: Annotated[int, "seed of the clusters"] = 0

    def __post_init__(self) -> None:
        check_blocks(self.blocks)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class KernelAtlas(Result):
    """Depthwise kernels of some blocks; statistics are (blocks, dim), units in tokens."""

    blocks: NDArray[np.int64]  # (blocks,), from 1
    weights: NDArray[np.float32]  # (blocks, dim, k, k)
    energy: NDArray[np.float32]  # Σw²
    effective_size_50: NDArray[np.float32]  # tokens: the square holding half the energy
    effective_size_90: NDArray[np.float32]
    border_share: NDArray[np.float32]
    centroid_x: NDArray[np.float32]  # to the right
    centroid_y: NDArray[np.float32]  # downwards
    centroid_offset: NDArray[np.float32]
    spread: NDArray[np.float32]
    participation_ratio: NDArray[np.float32]
    dc_gain: NDArray[np.float32]  # Σw
    low_frequency_share: NDArray[np.float32]
    peak_frequency: NDArray[np.float32]  # cycles per token
    orientation: NDArray[np.float32]  # degrees [0, 180), y down
    anisotropy: NDArray[np.float32]
    parity: NDArray[np.float32]
    d4_invariance: NDArray[np.float32]
    separability: NDArray[np.float32]
    r2: NDArray[np.float32]  # of the best template
    sign: NDArray[np.float32]  # +1: as the template, −1: its negative
    angle: NDArray[np.float32]  # degrees [0, 180), y down; −1 where the template has none
    sigma: NDArray[np.float32]  # of the template; 0 for a delta
    code: NDArray[np.int64]  # (blocks, dim), index into class_names
    class_names: tuple[str, ...]
    threshold: float  # R² that 1 % of random kernels exceed; below it a kernel is "other"
    decidable: bool  # whether kernels of this size can be told from random ones
    norm_scale: NDArray[np.float32]  # (blocks, dim), |γ|/√(σ²+ε) of the batch norm that follows
    norm_sign: NDArray[np.float32]  # (blocks, dim), the sign of γ
    cluster: NDArray[np.int64]  # (blocks, dim), 0 the largest cluster of the block
    representatives: NDArray[np.int64]  # (blocks, clusters), the channel nearest to each centre
    dead: NDArray[np.bool_]  # (blocks, dim)

    def rows(self) -> list[dict[str, Any]]:
        """A row a kernel."""
        return [row for index in range(len(self.blocks)) for row in self.block_rows(index)]

    def block_rows(self, index: int) -> list[dict[str, Any]]:
        """The rows of one block, by its place along the first axis."""
        columns = {name: getattr(self, name)[index].tolist() for name in STATISTICS}
        columns |= {name: getattr(self, name)[index].tolist() for name in ("cluster", "dead")}
        named = [self.class_names[code] for code in self.code[index]]
        return [
            {"block": int(self.blocks[index]), "channel": channel, "class": name}
            | {column: values[channel] for column, values in columns.items()}
            for channel, name in enumerate(named)
        ]


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[KernelAtlas]]:
    """One step a block; only the last has the result. Pictures are not looked at."""
    blocks = options.blocks or tuple(range(1, model.preset.shape.depth + 1))
    parts = []
    for done, block in enumerate(blocks, 1):
        parts.append(_measure_block(find_block(model, block), options.seed))
        yield Step(done, len(blocks), _atlas(blocks, parts) if done == len(blocks) else None)


def check_blocks(blocks: Sequence[int]) -> None:
    """Depthwise kernels start at block 1."""
    if 0 in blocks:
        raise ChoiceError(
            "Block 0 is the stem and has no depthwise kernels: choose blocks from 1, "
            "or the patch embedding."
        )


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
