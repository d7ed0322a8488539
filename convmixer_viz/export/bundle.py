"""A bundle: one zip with a result, its pictures and its record, from which it can be recomputed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from convmixer_viz.contract import Provenance, Result, as_type
from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.export import files, records
from convmixer_viz.pictures import decode
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.edits import edited
from convmixer_viz.questions.picture_edits import Paste, parse_all

TOLERANCE = 1e-3  # of an array's largest value, where something that decides bits differs
MOST_BYTES = 2**30  # of a bundle unpacked, and of its arrays unpacked again
PICTURES = "pictures.json"  # their names
NEEDED = (".npz", ".json", ".png")  # of the members of a bundle, what replay needs


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a zip holds."""

    provenance: Provenance
    images: tuple[Picture, ...]
    result: Result


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a recomputed array lies from the one in the bundle."""

    array: str
    largest: float  # difference, as a share of the array's largest value; 0: the same bits
    allowed: float

    @property
    def within_tolerance(self) -> bool:
        return self.largest <= self.allowed


def pack(result: Result, pictures: Sequence[Picture]) -> bytes:
    """The zip: the files that save() writes, and as PNG the pictures and those that are pasted."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.contents(result).items():
            archive.writestr(name, content)
        names = [picture.name for picture in pictures]
        archive.writestr(PICTURES, json.dumps(names))
        for number, picture in enumerate(pictures):
            archive.writestr(f"pictures/{number}.png", _file(picture))
    return buffer.getvalue()


def _file(picture: Picture) -> bytes:
    """A PNG; or the file that a stranger sent as it is, whatever its format: reading looks at the
    content, not at the name."""
    if not isinstance(picture.content, np.ndarray | Path):
        return picture.content.file
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "PNG")
    return file.getvalue()


def read(path: Path, scratch: Path) -> Bundle:
    """What a zip holds. Pictures beyond decode.DECODED_BYTES are left in the empty folder
    `scratch`, which must stay as long as they do."""
    try:
        members = _members(path)
        names = as_type(records.parse(members.pop(PICTURES, b"")), tuple[str, ...], PICTURES)
        (stem,) = [n[:-5] for n in members if n.endswith(".json")][:1] or [""]
        result = files.read(
            members.get(f"{stem}.json", b""), members.get(f"{stem}.npz", b""), limit=MOST_BYTES
        )
        pictures = tuple(_pictures(members, names, scratch))
        expected = result.provenance.images + result.provenance.picture_sources
        if tuple(picture.sha256 for picture in pictures) != expected:
            raise records.DamagedError("its pictures aren't those of its result")
        images = tuple(_edited(pictures, result.provenance))
    except (ChoiceError, records.DamagedError) as error:
        reason = str(error).rstrip(".")
        raise DataError(f"{path} can't be read as a bundle: {reason}.") from error
    return Bundle(result.provenance, images, result)


def _edited(pictures: Sequence[Picture], provenance: Provenance) -> Iterator[Picture]:
    """The pictures with their edits; behind them stand those that the edits paste, in order."""
    count = len(provenance.images)
    pasted = list(pictures[count:])
    made = provenance.picture_edits or ((),) * count
    pastes = [edit for each in made for edit in parse_all(each) if isinstance(edit, Paste)]
    if (len(made), len(pastes)) != (count, len(pasted)):
        raise records.DamagedError("its pictures aren't those that were edited")
    for picture, edits in zip(pictures, made, strict=False):
        yield edited(picture, edits, lambda name: pasted.pop(0))


def _members(path: Path) -> dict[str, bytes]:
    """The members of a zip that a bundle needs; their sizes are read before they are."""
    try:  # zipfile may raise anything over foreign bytes
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(NEEDED)]
            size = sum(member.file_size for member in members)
            if size <= MOST_BYTES:
                return {member.filename: archive.read(member) for member in members}
    except Exception as error:
        raise records.DamagedError(str(error)) from error
    raise records.DamagedError(f"it unpacks to {size >> 20} MiB, {MOST_BYTES >> 20} at most")


def _pictures(
    members: dict[str, bytes], names: tuple[str, ...], scratch: Path
) -> Iterator[Picture]:
    left = decode.DECODED_BYTES
    for number, name in enumerate(names):
        content, file = members.get(f"pictures/{number}.png", b""), scratch / f"{number}.png"
        picture = decode.decode(content, name)
        left -= picture.pixels.nbytes
        if left < 0:
            file.write_bytes(content)
        yield picture if left >= 0 else replace(picture, content=file)


def unlike(before: Provenance, now: Provenance) -> dict[str, tuple[str, str]]:
    """What decides bits and isn't the same: name → there and here. An older record knows less, and
    what it doesn't know may differ."""
    there, here = _deciding(before), _deciding(now)
    unknown = "unknown"
    pairs = {n: (there.get(n, unknown), here.get(n, unknown)) for n in there | here}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _deciding(provenance: Provenance) -> dict[str, str]:
    return {
        **provenance.versions,
        "device": provenance.device.partition(":")[0],  # which GPU of several doesn't matter
        "threads": str(provenance.threads),
        "dtype": provenance.dtype,
        "memory format": provenance.memory_format,
        "halved to": str(provenance.halved_to),
    }


def compare(fresh: Result, bundle: Bundle) -> list[Difference]:
    """Array by array; nothing may differ where all that decides bits is that of the bundle."""
    allowed = TOLERANCE if unlike(bundle.provenance, fresh.origin) else 0.0
    stored, computed = files.arrays(bundle.result), files.arrays(fresh)
    if stored.keys() != computed.keys():
        raise DataError("The bundle's arrays aren't those that this version computes.")
    return [Difference(name, _largest(stored[name], computed[name]), allowed) for name in stored]


def _largest(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    floats = a.dtype.kind == "f"
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return float("inf")
    if np.array_equal(a, b, equal_nan=floats):
        return 0.0
    gap = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return float(np.nanmax(gap) / (np.nanmax(np.abs(a.astype(np.float64))) or 1.0))
