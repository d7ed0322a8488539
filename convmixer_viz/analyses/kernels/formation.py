"""How the kernels formed: the statistics of every layer over the epochs of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels import population
from convmixer_viz.analyses.kernels.statistics import measure
from convmixer_viz.analyses.kernels.weights import kernel_count, layer_bytes
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import WeightsError
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.formation import Formation, Options
from convmixer_viz.questions.kernels import CLASSES
from convmixer_viz.weights import history

EPOCHS = 64  # at most in a history


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Formation]]:
    """One step an epoch kept. Pictures are not looked at."""
    tensors = _read(model)
    blocks = options.blocks or tuple(range(1, model.preset.shape.depth + 1))
    kernels = tensors["depthwise"][:, [block - 1 for block in blocks]]
    parts = []
    for done, epoch in enumerate(kernels, 1):
        parts.append(_measure(epoch.astype(np.float32)))
        last = done == len(kernels)
        yield Step(done, len(kernels), _formation(tensors, blocks, parts) if last else None)


def estimate(work: Workload) -> int:
    """A layer's kernels measured; the whole history in float16, and the blocks chosen."""
    epochs = EPOCHS * (4 * work.shape.kernel_size**2 + 100)
    return layer_bytes(work) + epochs * kernel_count(work)


def _read(model: LoadedModel) -> dict[str, NDArray[Any]]:
    if model.untrained_seed is not None:
        raise WeightsError(
            f"The untrained twin of {model.preset.name} has no history: leave --random out."
        )
    return history.read(model.preset)


def _measure(kernels: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Numbers of all blocks (blocks, dim, k, k) at one epoch, blocks first."""
    measured = [measure(block) for block in kernels]
    layers = [population.measure(*pair) for pair in zip(kernels, measured, strict=True)]
    numbers = {name: np.stack([layer[name] for layer in layers]) for name in layers[0]}
    numbers.pop("ring_profile")
    return numbers | {name: np.stack([m[name] for m in measured]) for name in ("code", "r2")}


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
        class_names=CLASSES,
        **stacked | {"r2": stacked["r2"].astype(np.float32)},
    )


def settled(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first index along axis 0 from which each column keeps its last value."""
    differs = codes[::-1] != codes[-1]
    back = np.where(differs.any(0), differs.argmax(0), len(codes))
    return len(codes) - back
