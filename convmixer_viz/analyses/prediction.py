"""What the model says of each picture: logits and probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.prediction import Options, Prediction


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Prediction]]:
    """One step a call of the model; partial results, as often as the steps have doubled, hold the
    pictures done so far."""
    batch_size = model.batch_size(images[0].array.shape[-1])
    starts = range(0, len(images), batch_size)
    logits: list[NDArray[np.float32]] = []
    seen: list[tuple[str, NDArray[np.uint8]]] = []
    for done, start in enumerate(starts, 1):
        part = images[start : start + batch_size]
        logits.append(model.logits(model.tensor(part)).cpu().numpy())
        seen += [(image.name, image.view) for image in part]
        due = done & (done - 1) == 0 or done == len(starts)
        result = _result(model, seen, np.concatenate(logits), options.top) if due else None
        yield Step(done, len(starts), result)


def estimate(work: Workload) -> int:
    """One call; what people see of all pictures, twice while a partial result is made."""
    views, logits = work.pixels(work.pictures, 1), 4 * work.pictures * work.class_count
    return work.prepared + work.forward() + 2 * views + 6 * logits


def _result(
    model: LoadedModel,
    seen: Sequence[tuple[str, NDArray[np.uint8]]],
    logits: NDArray[np.float32],
    top: int,
) -> Prediction:
    names, views = zip(*seen, strict=True)
    return Prediction(
        names=names,
        logits=logits,
        probabilities=agreement.softmax(logits).astype(np.float32),
        top=np.argsort(-logits, axis=1, kind="stable")[:, :top],
        classes=model.class_names,
        views=np.stack(views),
    )
