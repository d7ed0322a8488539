"""The record in the header of our own weights files, as JSON: what the tensors don't show."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.classes import class_list
from convmixer_viz.presets.table import Preset, Shape, Transform

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about a preset that its tensors don't show."""

    preset: str
    shape: Shape
    transform: Transform
    classes: tuple[str, ...] | None  # none: the classes are known by index only


def dumps(preset: Preset, classes: Sequence[str] | None) -> str:
    """The record of a preset as one line of JSON."""
    record = Record(
        preset.name, preset.shape, preset.transform, tuple(classes) if classes else None
    )
    return json.dumps({"schema": SCHEMA, **asdict(record)}, ensure_ascii=False)


def loads(text: str, source: str) -> Record:
    """Read a record that anybody may have written; a WeightsError says what is wrong with it.
    `source` names the file, for that sentence."""
    try:
        fields = json.loads(text)
        if fields["schema"] > SCHEMA:
            raise WeightsError(f"{source} was written by a later version: update convmixer-viz.")
        classes = fields["classes"]
        names = None if classes is None else class_list(classes, source)
        return Record(
            str(fields["preset"]), _shape(fields["shape"]), _transform(fields["transform"]), names
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(
            f"The record in {source} is damaged ({error}): save it again."
        ) from error


def _shape(fields: dict[str, Any]) -> Shape:
    sizes = {key: fields[key] for key in ("dim", "depth", "kernel_size", "patch_size")}
    if not all(type(size) is int and size >= 1 for size in sizes.values()):
        raise ValueError(f"sizes {sizes}")
    activation, residual = fields["activation"], fields["residual"]
    if activation not in ("gelu", "relu") or not isinstance(residual, bool):
        raise ValueError(f"activation {activation}, residual {residual}")
    return Shape(**sizes, activation=activation, residual=residual)


def _transform(fields: dict[str, Any]) -> Transform:
    size, fit, share = fields["size"], fields["fit"], float(fields["share"])
    if not (type(size) is int and 1 <= size <= 8000 and fit in ("crop", "squash")):
        raise ValueError(f"size {size}, fit {fit}")
    if not 0.1 <= share <= 1:
        raise ValueError(f"share {share}")
    mean, std = _three(fields["mean"]), _three(fields["std"])
    if min(std) <= 0:
        raise ValueError(f"std {std}")
    return Transform(size, fit, share, mean, std)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    if not all(map(math.isfinite, (red, green, blue))):
        raise ValueError(f"{values}")
    return red, green, blue
