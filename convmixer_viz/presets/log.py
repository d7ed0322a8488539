"""The training log `<preset>.json`, without torch: recipe, machine, and the curve of all epochs."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.errors import DataError

CURVES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "seconds")
PART = 20  # a test repeats the measurement on every PART-th picture, in seconds


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the log: means over the epoch; accuracies in [0, 1], train ones under
    augmentation; the learning rate of its last step."""

    epoch: int  # 1 …
    train_loss: float
    train_accuracy: float
    test_loss: float | None  # none where an older log doesn't say
    test_accuracy: float
    learning_rate: float | None
    seconds: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch:3d}  train {self.train_loss:.4f} {self.train_accuracy:7.2%}  "
            f"test {self.test_loss or math.nan:.4f} {self.test_accuracy:7.2%}  "
            f"lr {self.learning_rate or 0:.5f}  {self.seconds:.1f} s"
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What `evaluate` counted for the weights that ship."""

    weights_sha256: str
    device: str
    pictures: int
    right: int
    right_5: int
    calibration_error: float
    part_pictures: int  # the same over every PART-th picture
    part_right: int


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """How a weights file was made; seconds are the epochs' and leave interruptions out."""

    preset: str
    recipe: dict[str, Any]
    command: str
    machine: str
    precision: str
    versions: dict[str, str]
    pictures: dict[str, int]  # train, test
    unreadable: list[str] = field(default_factory=list)
    note: str = ""  # what the card must say besides
    measured: Measured | None = None
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(epoch.seconds for epoch in self.epochs)

    def curve(self, name: str) -> NDArray[np.float64]:  # (epochs,)
        """One of CURVES over the epochs 1 …, NaN where the log doesn't say."""
        return np.array([getattr(epoch, name) for epoch in self.epochs], np.float64)

    def dumps(self) -> str:
        """As JSON, an epoch a line."""
        head = asdict(self)
        rows = [json.dumps(row) for row in head.pop("epochs")]
        text = json.dumps(head, indent=1)[:-2]
        return text + ',\n "epochs": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n"

    def as_csv(self) -> str:
        """The epochs as a table."""
        table = io.StringIO()
        writer = csv.DictWriter(table, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(map(asdict, self.epochs))
        return table.getvalue()


def loads(text: str) -> TrainingLog:
    """The log out of its JSON."""
    record = json.loads(text)
    epochs = [Epoch(**row) for row in record.pop("epochs")]
    measured = record.pop("measured")
    return TrainingLog(
        **record, epochs=epochs, measured=None if measured is None else Measured(**measured)
    )


def read(path: Path) -> TrainingLog:
    """The log in a file; a file that is no training log is refused."""
    try:
        return loads(path.read_text())
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is no training log: {error}.") from error
