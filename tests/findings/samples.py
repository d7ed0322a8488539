"""Test pictures drawn by a seed, and a journal: what was measured before isn't measured again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from convmixer_viz.contract import plain

SEED = 0  # of every sample: the order of pictures within a class is not random
Line = dict[str, Any]


def draw(folder: Path, count: int, seed: int = SEED) -> list[Path]:
    """So many pictures, class by class in turn, each class's in an order drawn by the seed: a
    smaller sample is the beginning of a larger one."""
    classes = [_shuffled(place, seed) for place in sorted(folder.iterdir()) if place.is_dir()]
    return [classes[i % len(classes)][i // len(classes)] for i in range(count)]


def _shuffled(folder: Path, seed: int) -> list[Path]:
    files = sorted(folder.iterdir())
    generator = np.random.default_rng([seed, *folder.name.encode()])
    return [files[i] for i in generator.permutation(len(files))]


class Journal:
    """Lines of JSON in a file, in the order in which they were measured."""

    def __init__(self, file: Path) -> None:
        self._file = file
        texts = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self.lines: list[Line] = [json.loads(text) for text in texts]

    def find(self, **key: Any) -> Line | None:
        """The line with these values; none where it wasn't measured."""
        return next((line for line in self.lines if key.items() <= line.items()), None)

    def add(self, line: Line) -> Line:
        """Write a line at once, so that a run that is cut off goes on behind it."""
        text = json.dumps(line, default=plain)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as sink:
            sink.write(text + "\n")
        self.lines.append(json.loads(text))
        return self.lines[-1]


def markdown(rows: Iterable[Iterable[str]]) -> str:
    """A table whose first row is its head."""
    head, *body = [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])
