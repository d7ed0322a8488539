"""What does the model say, and how sure is it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import lazy_loader as lazy
import numpy as np

from convmixer_viz import comparison
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel
else:
    torch = lazy.load("torch")


@dataclass(frozen=True, slots=True)
class Options:
    top: Annotated[int, "how many classes to list, best first"] = 5
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ChoiceError(f"top {self.top} lists nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prediction(Result):
    """Logits and softmax probabilities of each picture."""

    names: tuple[str, ...]  # of the pictures
    logits: NDArray[np.float32]  # (images, classes)
    probabilities: NDArray[np.float32]  # (images, classes)
    top: NDArray[np.int64]  # (images, top), class indices, best first
    classes: tuple[str, ...]
    views: NDArray[np.uint8]  # (images, h, w, 3), what the model saw

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "picture": name,
                "class": self.classes[index],
                "index": int(index),
                "probability": float(self.probabilities[i, index]),
                "logit": float(self.logits[i, index]),
            }
            for i, name in enumerate(self.names)
            for index in self.top[i]
        ]

    def objects(self) -> list[dict[str, Any]]:
        preset = self.provenance and self.provenance.preset
        rows, count = self.rows(), self.top.shape[1]
        groups = [rows[start : start + count] for start in range(0, len(rows), count)]
        return [
            {"picture": name, "preset": preset, "knows": self.classes, "top": group}
            for name, group in zip(self.names, groups, strict=True)
        ]


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Prediction]]:
    """One step a call of the model; partial results, as often as the steps have doubled, hold the
    pictures done so far."""
    size = model.rows(images[0].array.shape[-1])
    starts = range(0, len(images), size)
    logits: list[NDArray[np.float32]] = []
    seen: list[tuple[str, NDArray[np.uint8]]] = []
    for done, start in enumerate(starts, 1):
        part = images[start : start + size]
        logits.append(model.logits(model.tensor(part)).cpu().numpy())
        seen += [(image.name, image.view) for image in part]
        due = done & (done - 1) == 0 or done == len(starts)
        result = _result(model, seen, np.concatenate(logits), options.top) if due else None
        yield Step(done, len(starts), result)


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
        probabilities=comparison.softmax(logits).astype(np.float32),
        top=np.argsort(-logits, axis=1, kind="stable")[:, :top],
        classes=model.class_names,
        views=np.stack(views),
    )
