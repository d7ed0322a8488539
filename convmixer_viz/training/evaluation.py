"""Evaluates a model on a labelled folder: counts that are the same for any number of processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.contract import Result, Step
from convmixer_viz.engine import distributed
from convmixer_viz.engine.runtime import LoadedModel, chunk
from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.presets.classes import match
from convmixer_viz.training import data
from convmixer_viz.training.augment import normalise
from convmixer_viz.training.data import LabelledPictures, Listing

BINS = 15  # of equal width over the confidence, for the calibration error
ROWS = 500  # pictures decoded and counted at once
_SCALE = 2**40  # confidences are summed as integers: any order gives the same sum


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation(Result):
    """How well a model does; shares are in [0, 1]."""

    preset: str
    classes: tuple[str, ...]
    pictures: int
    right: int  # the highest logit is the true class
    right_5: int  # the true class is among the five highest
    confusion: NDArray[np.int64]  # (classes, classes): true class, predicted class
    bin_pictures: NDArray[np.int64]  # (BINS,) by the top class's probability
    bin_right: NDArray[np.int64]  # (BINS,)
    bin_confidence: NDArray[np.float64]  # (BINS,) mean probability, 0 where a bin is empty
    images_per_second: float  # of the model, decoding left out
    unreadable: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "preset": self.preset,
                "pictures": self.pictures,
                "right": self.right,
                "top-1 %": 100 * self.top1,
                "top-5 %": 100 * self.top5,
                "calibration error %": 100 * self.calibration_error,
                "images per second": self.images_per_second,
            }
        ]

    def objects(self) -> list[dict[str, Any]]:
        confusion = {"classes": self.classes, "confusion": self.confusion.tolist()}
        return [self.rows()[0] | confusion | {"unreadable": self.unreadable}]

    @property
    def top1(self) -> float:
        return self.right / self.pictures

    @property
    def top5(self) -> float:
        return self.right_5 / self.pictures

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: |accuracy − confidence| over 15 bins of equal width, each
        weighted by its share of the pictures."""
        gaps = np.abs(self.bin_right - self.bin_confidence * self.bin_pictures)
        return float(gaps.sum() / self.pictures)


@dataclass(slots=True)
class _Counts:
    """Integers only, so that sums over pictures and processes are exact."""

    confusion: Tensor  # (classes, classes)
    bins: Tensor  # (3, BINS): pictures, right, confidence in 1 / _SCALE
    right_5: Tensor  # ()
    seconds: float
    unreadable: tuple[str, ...]


def evaluate(model: LoadedModel, data_dir: Path, *, every: int = 1) -> Iterator[Step[Evaluation]]:
    """Measure a model on the test split of a folder (or the whole of one without splits), or on
    every n-th picture of it; under torchrun each process takes its share and all get the sum.
    Only the last step has a result."""
    if every < 1:
        raise ChoiceError(f"Every {every}th picture is none: choose 1 (all of them) or more.")
    listing = _as_the_model_counts(model, data.labelled(data_dir), data_dir).share(0, every)
    mine = listing.share(*distributed.process())
    counts = _zero(len(listing.classes))
    for done, part in enumerate(data.batches(mine, model.preset.transform, ROWS)):
        _count(model, part, counts)
        yield Step(min((done + 1) * ROWS, len(mine)), len(mine) + 1)
    yield Step(len(mine) + 1, len(mine) + 1, _result(model, _reduced(counts)))


def _as_the_model_counts(model: LoadedModel, listing: Listing, data_dir: Path) -> Listing:
    """The listing with the model's labels."""
    names, folders = model.class_names, listing.classes
    if len(folders) != len(names):
        raise DataError(
            f"{data_dir} has {len(folders)} classes, {model.preset.name} {len(names)}: give a "
            "folder with one folder a class, all of them."
        )
    indices = match(names, folders)
    return Listing(listing.sources, [indices[label] for label in listing.labels], names)


def _zero(classes: int) -> _Counts:
    return _Counts(
        torch.zeros(classes, classes, dtype=torch.int64),
        torch.zeros(3, BINS, dtype=torch.int64),
        torch.zeros((), dtype=torch.int64),
        0.0,
        (),
    )


def _count(model: LoadedModel, part: LabelledPictures, counts: _Counts) -> None:
    """Add a batch to the counts."""
    counts.unreadable += part.unreadable
    if not len(part):
        return
    begun = time.perf_counter()
    with chunk("evaluate"):
        logits = model.logits(model.place(normalise(part.pixels, model.preset.transform))).cpu()
    counts.seconds += time.perf_counter() - begun
    labels, classes = part.labels, logits.shape[1]
    confidence, predicted = logits.double().softmax(1).max(1)
    hits = (predicted == labels).long()
    counts.confusion += torch.bincount(labels * classes + predicted, minlength=classes**2).view(
        classes, classes
    )
    near = logits.topk(min(5, classes), 1).indices == labels[:, None]
    counts.right_5 += near.any(1).sum()
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    rows = torch.stack([torch.ones_like(hits), hits, (confidence * _SCALE).round().long()])
    counts.bins.index_add_(1, bins, rows)


def _reduced(counts: _Counts) -> _Counts:
    """The sum over all processes; the slowest one's seconds."""
    with distributed.joined():
        for name in ("confusion", "bins", "right_5"):
            setattr(counts, name, distributed.summed(getattr(counts, name)))
        counts.seconds = max(distributed.gathered([counts.seconds]))
        unreadable = distributed.gathered([counts.unreadable])
    counts.unreadable = tuple(name for names in unreadable for name in names)
    return counts


def _result(model: LoadedModel, counts: _Counts) -> Evaluation:
    pictures, right, confidence = counts.bins.numpy()
    total = int(pictures.sum())
    if not total:
        raise DataError("No picture of the folder can be read: give whole PNG or JPEG files.")
    return Evaluation(
        preset=model.preset.name,
        classes=model.class_names,
        pictures=total,
        right=int(right.sum()),
        right_5=int(counts.right_5),
        confusion=counts.confusion.numpy(),
        bin_pictures=pictures,
        bin_right=right,
        bin_confidence=confidence / _SCALE / np.maximum(pictures, 1),
        images_per_second=total / counts.seconds,
        unreadable=counts.unreadable,
    )
