"""The user's cache folder: added weights with their records, and checksums of large files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.weights.metadata import Record, parse

FOLDER_VARIABLE = "CONVMIXER_VIZ_CACHE"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")  # no separators: a name can't leave the folder


@dataclass(frozen=True, slots=True)
class Added:
    """The record beside added weights."""

    record: Record
    replaces: bool  # weights of a preset in the table, not a preset of their own
    class_count: int
    origin: str  # the file that a person brought, and its sha256
    origin_sha256: str
    date: str  # UTC, ISO 8601
    assumed: tuple[str, ...]


def folder() -> Path:
    """Where this person's added weights and checksums live."""
    said = os.environ.get(FOLDER_VARIABLE)
    return Path(said) if said else Path(platformdirs.user_cache_dir("convmixer-viz"))


def weights_of(name: str) -> Path:
    """The file of added weights, there or not."""
    return _checked(name, ".safetensors")


def added() -> dict[str, Added]:
    """Records of all added weights, by name; those that can't be read are in `damaged`."""
    found = {}
    for path in sorted((folder() / "added").glob("*.json")):
        with contextlib.suppress(WeightsError):
            found[path.stem] = _read(path)
    return found


def damaged() -> list[str]:
    """Names of added weights whose record can't be read."""
    return sorted({path.stem for path in (folder() / "added").glob("*.json")} - set(added()))


def write_record(name: str, record: str, **facts: Any) -> None:
    """Note where added weights came from: their record and the facts of `Added`."""
    text = json.dumps(facts | {"record": record}, ensure_ascii=False, indent=1)
    write_whole(_checked(name, ".json"), text.encode())


def remove(name: str) -> bool:
    """Delete added weights and their record; whether there were any."""
    paths = [_checked(name, suffix) for suffix in (".json", ".safetensors")]
    there = any(path.is_file() for path in paths)
    for path in paths:
        path.unlink(missing_ok=True)
    return there


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file, remembered as long as its size and time stay."""
    state = path.stat()
    key, stamp = str(path), [state.st_size, state.st_mtime_ns]
    known = _checksums()
    if known.get(key, [])[:2] != stamp:
        with path.open("rb") as file:
            known[key] = [*stamp, hashlib.file_digest(file, "sha256").hexdigest()]
        with contextlib.suppress(WeightsError):  # a folder that can't be written costs time only
            write_whole(folder() / "checksums.json", json.dumps(known).encode())
    return str(known[key][2])


def write_whole(path: Path, payload: bytes) -> None:
    """Replace a file at once: nobody ever sees a half, and a failure leaves the old one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            scratch.write_bytes(payload)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(
            f"{path} can't be written ({error.strerror}): free space or choose another folder."
        ) from error


def _checked(name: str, suffix: str) -> Path:
    if not NAME.fullmatch(name):
        raise ChoiceError(
            f"{name[:80]!r} can't name weights: use up to 64 of a … z, 0 … 9, '.', '_' and '-', "
            "beginning with a letter or a digit."
        )
    return folder() / "added" / f"{name}{suffix}"


def _read(path: Path) -> Added:
    try:
        facts = json.loads(path.read_text("utf-8"))
        return Added(
            parse(facts["record"], path.name),
            bool(facts["replaces"]),
            int(facts["class_count"]),
            str(facts["origin"]),
            str(facts["origin_sha256"]),
            str(facts["date"]),
            tuple(map(str, facts["assumed"])),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{path} can't be read: convmixer-viz models remove {path.stem}"
        ) from error


def _checksums() -> dict[str, list[Any]]:
    try:
        known = json.loads((folder() / "checksums.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
