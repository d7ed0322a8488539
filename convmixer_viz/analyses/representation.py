"""What the blocks hold, in a form by which two models can be compared: a Gram matrix a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.contract import Step
from convmixer_viz.engine import hardware
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import DeviceError
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.representation import Options, Representation

Layer = Callable[[Tensor], Tensor]

MEMORY_SHARE = 0.5  # of the free memory that the pictures' states of one block may take


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Representation]]:
    """A step a block and call of the model: all pictures go one block on, and only their states
    of that block are held."""
    depth = model.preset.shape.depth
    blocks = tuple(sorted(set(options.blocks))) or tuple(range(depth + 1))
    layers: list[Layer] = [model.module.embed]
    layers.extend(list(model.module.walk())[: blocks[-1]])
    _check_memory(model, images)
    side = images[0].array.shape[-1]
    batch_size = model.batch_size(side)
    parts, identities = [], []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        parts.append(model.tensor(batch))
        identities += [(image.sha256, image.name) for image in batch]
    grams: list[NDArray[np.float64]] = []
    done, total = 0, len(layers) * len(parts)
    for number, layer in enumerate(layers):
        for index, part in enumerate(parts):
            parts[index] = model.call(_without_gradient(layer), part, side)
            done += 1
            ready = index == len(parts) - 1 and number in blocks
            if ready:
                grams.append(_gram(parts))
            partial = _result(blocks[: len(grams)], grams, identities) if ready else None
            yield Step(done, total, partial)


def _without_gradient(layer: Layer) -> Layer:
    def forward(part: Tensor) -> Tensor:
        with torch.no_grad():
            return layer(part)

    return forward


def _gram(parts: Sequence[Tensor]) -> NDArray[np.float64]:
    """Products of all pairs of pictures, (n, n), in float64."""
    features = torch.cat([part.flatten(1) for part in parts])
    gram = features.new_zeros(len(features), len(features), dtype=torch.float64)
    for columns in torch.split(features, 2**16, 1):
        wide = columns.double()
        gram += wide @ wide.T
    return np.asarray(gram.cpu())


def _result(
    blocks: tuple[int, ...],
    grams: list[NDArray[np.float64]],
    identities: Sequence[tuple[str, str]],
) -> Representation:
    images, names = zip(*identities, strict=True)
    return Representation(
        blocks=blocks,
        gram=np.stack(grams),
        images=images,
        names=names,
    )


def _check_memory(model: LoadedModel, images: Sequence[PreparedPicture]) -> None:
    shape, side = model.preset.shape, images[0].array.shape[-1]
    state = shape.dim * shape.grid(side) ** 2 * model.dtype.itemsize
    free = MEMORY_SHARE * hardware.free_memory(model.device)
    if 3 * state * len(images) > free:
        fit = int(free / (3 * state))
        raise DeviceError(
            f"The blocks of {model.preset.name} for {len(images)} pictures at {side} pixels don't "
            f"fit the memory of {model.device}: about {fit} pictures do, or a lower resolution."
        )
