"""How the kernels formed: structure and classes over the epochs of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from safetensors.numpy import load_file

from convmixer_viz import weights
from convmixer_viz.analyses import population, templates
from convmixer_viz.analyses.kernels import check_blocks
from convmixer_viz.analyses.measures import measure
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.presets import Preset
    from convmixer_viz.runtime import LoadedModel


@dataclass(frozen=True, slots=True)
class Options:
    blocks: Annotated[tuple[int, ...], "blocks to follow, 1 … depth; none is all"] = ()

    def __post_init__(self) -> None:
        check_blocks(self.blocks)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Formation(Result):
    """Kernels and the numbers of their layers at the epochs that were kept, 0 = before training."""

    epochs: NDArray[np.int64]  # (epochs,)
    blocks: NDArray[np.int64]  # (blocks,), from 1
    weights: NDArray[np.float16]  # (epochs, blocks, dim, k, k), as kept
    stem: NDArray[np.float16]  # (epochs, dim, 3, p, p)
    code: NDArray[np.int64]  # (epochs, blocks, dim), index into class_names
    r2: NDArray[np.float32]  # (epochs, blocks, dim), of the best template
    settled: NDArray[np.int64]  # (blocks, dim), the epoch kept since which the final class holds
    class_names: tuple[str, ...]
    class_shares: NDArray[np.float64]  # (epochs, blocks, classes)
    mean_effective_size_50: NDArray[np.float64]  # (epochs, blocks), tokens
    mean_effective_size_90: NDArray[np.float64]
    mean_border_share: NDArray[np.float64]
    mean_low_frequency_share: NDArray[np.float64]
    mean_parity: NDArray[np.float64]
    mean_r2: NDArray[np.float64]
    entropy: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    covariance_participation_ratio: NDArray[np.float64]
    covariance_rank: NDArray[np.float64]

    def rows(self) -> list[dict[str, Any]]:
        """A row an epoch and block."""
        return [
            {"epoch": int(epoch), "block": int(block)}
            | {name: float(getattr(self, name)[e, b]) for name in population.CURVES}
            for e, epoch in enumerate(self.epochs)
            for b, block in enumerate(self.blocks)
        ]


def locate(preset: Preset) -> Path | None:
    """The history beside a preset's weights, if it ships one."""
    file = weights.locate(preset)
    history = file and file.with_name(f"{preset.name}.history.safetensors")
    return history if history and history.exists() else None


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Formation]]:
    """One step an epoch kept. Pictures are not looked at."""
    tensors = _read(model)
    blocks = options.blocks or tuple(range(1, model.preset.shape.depth + 1))
    kernels = tensors["depthwise"][:, [block - 1 for block in blocks]]
    parts = []
    for done, moment in enumerate(kernels, 1):
        parts.append(_describe(moment.astype(np.float32)))
        last = done == len(kernels)
        yield Step(done, len(kernels), _formation(tensors, blocks, parts) if last else None)


def _read(model: LoadedModel) -> dict[str, NDArray[Any]]:
    file = locate(model.preset)
    if file is None or model.untrained_seed is not None:
        raise WeightsError(
            f"{model.preset.name} has no history of its training: choose a preset that ships one."
        )
    return load_file(file)


def _describe(moment: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Numbers of all blocks (blocks, dim, k, k) at one epoch, blocks first."""
    measured = [measure(kernels) for kernels in moment]
    layers = [population.describe(*pair) for pair in zip(moment, measured, strict=True)]
    described = {name: np.stack([layer[name] for layer in layers]) for name in layers[0]}
    described.pop("ring_profile")
    return described | {name: np.stack([m[name] for m in measured]) for name in ("code", "r2")}


def _formation(
    tensors: dict[str, NDArray[Any]], blocks: Sequence[int], parts: list[dict[str, NDArray[Any]]]
) -> Formation:
    stacked: dict[str, Any] = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    epochs = tensors["epochs"].astype(np.int64)
    return Formation(
        epochs=epochs,
        blocks=np.array(blocks),
        weights=tensors["depthwise"][:, [block - 1 for block in blocks]],
        stem=tensors["stem"],
        settled=epochs[settled(stacked["code"])],
        class_names=templates.CLASSES,
        **stacked | {"r2": stacked["r2"].astype(np.float32)},
    )


def settled(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first index along axis 0 from which each column keeps its last value."""
    differs = codes[::-1] != codes[-1]
    back = np.where(differs.any(0), differs.argmax(0), len(codes))
    return len(codes) - back
