"""The record in the header of our own weights files, as JSON: what the tensors don't show."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.classes import class_list
from convmixer_viz.presets.table import Preset, Residual, Shape, Transform

SCHEMA = 1
MAX_BYTES = 2**20  # of a record, whose class names are most of it
MAX_DIGITS = 16  # of a number in a header; Python's own limit of 4,300 allows minutes of arithmetic
SHOWN = 80  # characters of a name out of a file, in a sentence
MADE_OF = 2000  # of what a file says that it was made of


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about a preset that its tensors don't show."""

    preset: str
    shape: Shape
    transform: Transform
    classes: tuple[str, ...] | None  # none: the classes are known by index only
    made_of: str = ""  # of an edited model: the preset, its weights and the edits, in words


def dumps(preset: Preset, classes: Sequence[str] | None, made_of: str = "") -> str:
    """The record of a preset as one line of JSON."""
    names = tuple(classes) if classes else None
    record = Record(preset.name, preset.shape, preset.transform, names, made_of)
    text = json.dumps({"schema": SCHEMA, **asdict(record)}, ensure_ascii=False)
    if len(text.encode()) > MAX_BYTES:
        raise WeightsError("The class names are too long to be kept: 1 MiB is the limit.")
    return text


def shown(name: str, longest: int = SHOWN) -> str:
    """A name out of a file as a sentence may hold it: short, without control characters."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:longest])
    return plain if len(name) <= longest else f"{plain}…"


def loads(text: str, source: str) -> Record:
    """Read a record that anybody may have written; a WeightsError says what is wrong with it.
    `source` names the file, for that sentence."""
    try:
        if len(text) > MAX_BYTES:
            raise ValueError(f"{len(text):,} characters")
        fields = json.loads(text, parse_int=short_int)
        if fields["schema"] > SCHEMA:
            raise WeightsError(f"{source} was written by a later version: update convmixer-viz.")
        classes = fields["classes"]
        names = None if classes is None else class_list(classes, source)
        return Record(
            str(fields["preset"]),
            _shape(fields["shape"]),
            _transform(fields["transform"]),
            names,
            shown(str(fields.get("made_of", "")), MADE_OF),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(
            f"The record in {source} is damaged ({shown(str(error))}): save it again."
        ) from error


def listed(names: Sequence[str]) -> str:
    """The first of such names."""
    few = ", ".join(map(shown, names[:5]))
    return few if len(names) <= 5 else f"{few}, …"


def short_int(digits: str) -> int:
    """An integer of JSON that strangers may have written."""
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _shape(fields: dict[str, Any]) -> Shape:
    sizes = {key: fields[key] for key in ("dim", "depth", "kernel_size", "patch_size")}
    if not all(type(size) is int and size >= 1 for size in sizes.values()):
        raise ValueError(f"sizes {sizes}")
    activation, residual = fields["activation"], fields["residual"]
    if activation not in ("gelu", "relu"):
        raise ValueError(f"activation {activation}")
    return Shape(**sizes, activation=activation, residual=_residual(residual, sizes["depth"]))


def _residual(value: Any, depth: int) -> Residual:
    """True, false, or a list of them, one a block."""
    if isinstance(value, bool):
        return value
    if not (isinstance(value, list) and len(value) == depth):
        raise ValueError(f"residual {value!r:.60}")
    if not all(isinstance(skips, bool) for skips in value):
        raise ValueError(f"residual {value!r:.60}")
    return tuple(value)


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
