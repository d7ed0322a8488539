"""What the blocks hold, in a form by which two models can be compared: a Gram matrix a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.representation import Options, Representation

Layer = Callable[[Tensor], Tensor]

COLUMNS = 2**16  # features that are multiplied at once


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Representation]]:
    """A step a block and call of the model: all pictures go one block on, and only their states
    of that block are held."""
    depth = model.preset.shape.depth
    blocks = tuple(sorted(set(options.blocks))) or tuple(range(depth + 1))
    layers: list[Layer] = [model.module.embed]
    layers.extend(list(model.module.walk())[: blocks[-1]])
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
    count, cells = sum(map(len, parts)), parts[0][0, 0].numel()
    gram = parts[0].new_zeros(count, count, dtype=torch.float64)
    for start in range(0, parts[0][0].numel(), COLUMNS):
        wide = torch.cat([_columns(part, start, cells) for part in parts]).double()
        gram += wide @ wide.T
    return np.asarray(gram.cpu())


def _columns(part: Tensor, start: int, cells: int) -> Tensor:
    """Features start … start + COLUMNS of each picture, without a copy of all others: a channel
    is `cells` of them."""
    first, last = start // cells, -(-(start + COLUMNS) // cells)
    return part[:, first:last].flatten(1)[:, start - first * cells :][:, :COLUMNS]


def estimate(work: Workload) -> int:
    """All pictures' tokens of one block, and a call, with what the heap keeps of the one before, or
    some features of all in float64."""
    images, blocks = work.pictures, work.shape.depth + 1
    wide = images * (2 * COLUMNS * (DOUBLE + 2 * work.itemsize) + 2 * work.cells * work.itemsize)
    grams = 2 * DOUBLE * (blocks + 1) * images**2
    tokens = work.scattered(images * work.state, work.call)
    return int(work.prepared + tokens + max(work.forward(8), wide) + grams)


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
