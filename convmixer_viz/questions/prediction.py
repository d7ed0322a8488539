"""Prediction: what the model says of each picture, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError


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
