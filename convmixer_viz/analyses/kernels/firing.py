"""Where in many pictures one kernel answers most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels.kernel import responder
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.firing import Firing, Options

GREY = 128  # outside the picture


@dataclass(frozen=True, slots=True)
class _Peak:
    """Where a picture's answer is high, and how high."""

    answer: float
    picture: int
    row: int
    column: int


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Firing]]:
    """One step a call of the model; partial results hold the pictures done so far."""
    kernel_size = model.preset.shape.kernel_size
    respond = responder(model, options.block, options.channel)
    batch_size, reach = model.batch_size(images[0].array.shape[-1]), kernel_size // 2
    starts = range(0, len(images), batch_size)
    strongest: list[_Peak] = []
    for done, start in enumerate(starts, 1):
        pixels = model.tensor(images[start : start + batch_size])
        answers = model.call(respond, pixels).cpu().numpy()
        for number, answer in enumerate(answers, start):
            strongest += _peaks(answer, number, options.count, reach)
        strongest = sorted(strongest, key=lambda peak: -peak.answer)[: options.count]
        yield Step(done, len(starts), _firing(model, images, options, strongest))


def estimate(work: Workload) -> int:
    """A call that walks to the block; the views of the strongest, and one of them with a border."""
    options: Options = work.options
    shown = (2 * options.count + 6) * work.pixels(1, 1)
    return work.prepared + work.forward(3) + shown + 2 * DOUBLE * work.batch_size * work.cells


def _peaks(answer: NDArray[np.float32], picture: int, count: int, reach: int) -> list[_Peak]:
    """The strongest answers of one picture, each at least half a window from the others."""
    left = answer.astype(np.float64)
    peaks: list[_Peak] = []
    while len(peaks) < count and np.isfinite(left.max()):
        row, column = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        peaks.append(_Peak(float(left[row, column]), picture, row, column))
        top, start = max(0, row - reach), max(0, column - reach)
        left[top : row + reach + 1, start : column + reach + 1] = -np.inf
    return peaks


def _firing(
    model: LoadedModel,
    images: Sequence[PreparedPicture],
    options: Options,
    peaks: Sequence[_Peak],
) -> Firing:
    shape = model.preset.shape
    boxes = np.array([_box(peak, shape.kernel_size, shape.patch_size) for peak in peaks])
    views = np.stack([images[peak.picture].view for peak in peaks])
    return Firing(
        block=options.block,
        channel=options.channel,
        pictures=tuple(images[peak.picture].name for peak in peaks),
        answers=np.array([peak.answer for peak in peaks], np.float32),
        tokens=np.array([(peak.row, peak.column) for peak in peaks]),
        boxes=boxes,
        views=views,
        patches=np.stack([_cut(view, box) for view, box in zip(views, boxes, strict=True)]),
        field=shape.theoretical_field(options.block),
    )


def _box(peak: _Peak, k: int, p: int) -> tuple[int, int, int, int]:
    left, top = (peak.column - (k - 1) // 2) * p, (peak.row - (k - 1) // 2) * p
    return left, top, left + k * p, top + k * p


def _cut(view: NDArray[np.uint8], box: NDArray[np.int64]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    edge = right - left
    wide = np.pad(view, ((edge, edge), (edge, edge), (0, 0)), constant_values=GREY)
    return wide[top + edge : bottom + edge, left + edge : right + edge]
