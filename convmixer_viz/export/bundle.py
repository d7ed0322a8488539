"""A bundle: one zip with a result, its pictures and its record, from which it can be recomputed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from convmixer_viz.contract import Provenance, Result
from convmixer_viz.errors import DataError, VizError
from convmixer_viz.export import files
from convmixer_viz.pictures import decode
from convmixer_viz.pictures.decode import Picture

TOLERANCE = 1e-3  # of an array's largest value, where something that decides bits differs
MOST_BYTES = 2**30  # unpacked


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
    """The zip: the files that save() writes, and the pictures as PNG."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.contents(result).items():
            archive.writestr(name, content)
        names = [picture.name for picture in pictures]
        archive.writestr("pictures.json", json.dumps(names))
        for number, picture in enumerate(pictures):
            file = io.BytesIO()
            Image.fromarray(picture.pixels).save(file, "PNG")
            archive.writestr(f"pictures/{number}.png", file.getvalue())
    return buffer.getvalue()


def read(path: Path, scratch: Path) -> Bundle:
    """Unpack a zip into an empty folder, and read what it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise DataError(f"{path} unpacks to over {MOST_BYTES >> 30} GiB: that's no bundle.")
            names = json.loads(archive.read("pictures.json"))
            encoded = [archive.read(f"pictures/{i}.png") for i in range(len(names))]
            for name in archive.namelist():
                if "/" not in name and name.endswith((".npz", ".json")):
                    (scratch / Path(name).name).write_bytes(archive.read(name))
        pictures = tuple(decode.decode(one, name) for one, name in zip(encoded, names, strict=True))
        result = files.load(scratch)
        provenance: Provenance = result.provenance
        if tuple(picture.sha256 for picture in pictures) != provenance.images:
            raise DataError(f"{path} is damaged: its pictures aren't those of its result.")
    except VizError:
        raise
    except Exception as error:  # parsers may raise anything over foreign bytes
        raise DataError(f"{path} can't be read as a bundle: {error}.") from error
    return Bundle(provenance, pictures, result)


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
