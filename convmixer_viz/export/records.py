"""Records and arrays read back: anybody may have written them, so sizes are read before content,
and every value is checked against the type that it must have."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints

import numpy as np

from convmixer_viz.contract import as_type
from convmixer_viz.errors import ChoiceError, DataError

T = TypeVar("T")
Arrays = dict[str, np.ndarray[Any, Any]]
MOST_JSON = 16 * 2**20  # bytes; as objects they take up to thirty times as much
MOST_ARRAYS = 4 * 2**30  # bytes, unpacked


class DamagedError(DataError):
    """What is wrong, to stand in a sentence that says where."""


def parse(content: bytes) -> Any:
    """What JSON says."""
    if len(content) > MOST_JSON:
        raise DamagedError(f"its record has {len(content) >> 20} MiB, {MOST_JSON >> 20} at most")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its record is no JSON: {error}") from error


def build(kind: type[T], values: Any) -> T:
    """A dataclass from what JSON says of its fields."""
    hints = get_type_hints(kind, include_extras=True)
    if not isinstance(values, dict) or not values.keys() <= hints.keys():
        raise DamagedError(f"its record isn't that of a {kind.__name__}")
    needed = {f.name for f in fields(kind) if f.default is f.default_factory is MISSING}  # type: ignore[arg-type]
    if missing := sorted(needed - values.keys()):
        raise DamagedError(f"its record lacks {', '.join(missing)}")
    try:
        return kind(**{name: as_type(value, hints[name], name) for name, value in values.items()})
    except ChoiceError as error:
        raise DamagedError(str(error).rstrip(".")) from error


def arrays(content: bytes, limit: int = MOST_ARRAYS) -> Arrays:
    """The arrays of an npz file."""
    try:  # zipfile and numpy may raise anything over foreign bytes
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size <= limit:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
    except Exception as error:
        raise DamagedError(f"its arrays can't be read: {error}") from error
    raise DamagedError(f"its arrays unpack to {size >> 20} MiB, {limit >> 20} at most")
