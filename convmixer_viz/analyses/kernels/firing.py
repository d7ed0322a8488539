"""Where over many pictures does one kernel answer most?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels.atlas import check_channel
from convmixer_viz.analyses.kernels.kernel import responder
from convmixer_viz.contract import Step
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.firing import Firing, Options

GREY = 128  # outside the picture


@dataclass(frozen=True, slots=True)
class _Place:
    answer: float
    picture: int
    row: int
    column: int


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Firing]]:
    """One step a call of the model; partial results hold the pictures done so far."""
    check_channel(model, options.channel)
    respond = responder(model, options.block, options.channel)
    size = model.batch_size(images[0].array.shape[-1])
    starts = range(0, len(images), size)
    found: list[_Place] = []
    for done, start in enumerate(starts, 1):
        answers = model.call(respond, model.tensor(images[start : start + size])).cpu().numpy()
        for number, answer in enumerate(answers, start):
            found += _peaks(answer, number, options.count, model.preset.shape.kernel_size // 2)
        found = sorted(found, key=lambda place: -place.answer)[: options.count]
        yield Step(done, len(starts), _firing(model, images, options, found))


def _peaks(answer: NDArray[np.float32], picture: int, count: int, reach: int) -> list[_Place]:
    """The strongest places of one picture, each at least a window's half from the others."""
    left = answer.astype(np.float64)
    places: list[_Place] = []
    while len(places) < count and np.isfinite(left.max()):
        row, column = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        places.append(_Place(float(left[row, column]), picture, row, column))
        top, start = max(0, row - reach), max(0, column - reach)
        left[top : row + reach + 1, start : column + reach + 1] = -np.inf
    return places


def _firing(
    model: LoadedModel,
    images: Sequence[PreparedPicture],
    options: Options,
    places: Sequence[_Place],
) -> Firing:
    shape = model.preset.shape
    boxes = np.array([_box(place, shape.kernel_size, shape.patch_size) for place in places])
    views = np.stack([images[place.picture].view for place in places])
    return Firing(
        block=options.block,
        channel=options.channel,
        pictures=tuple(images[place.picture].name for place in places),
        answers=np.array([place.answer for place in places], np.float32),
        tokens=np.array([(place.row, place.column) for place in places]),
        boxes=boxes,
        views=views,
        patches=np.stack([_cut(view, box) for view, box in zip(views, boxes, strict=True)]),
        field=shape.theoretical_field(options.block),
    )


def _box(place: _Place, k: int, p: int) -> tuple[int, int, int, int]:
    left, top = (place.column - (k - 1) // 2) * p, (place.row - (k - 1) // 2) * p
    return left, top, left + k * p, top + k * p


def _cut(view: NDArray[np.uint8], box: NDArray[np.int64]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    edge = right - left
    wide = np.pad(view, ((edge, edge), (edge, edge), (0, 0)), constant_values=GREY)
    return wide[top + edge : bottom + edge, left + edge : right + edge]
