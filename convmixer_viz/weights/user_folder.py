"""The user's cache folder: weights that the user added, an entry beside each, and checksums."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from convmixer_viz import disk
from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.pictures import folders
from convmixer_viz.weights import metadata
from convmixer_viz.weights.metadata import Record

MAX_ADDED = 8 * 2**30  # bytes of all added weights
DAY = 24 * 3600.0
MOST_OF_VISITOR = 512 * 2**20  # bytes that a stranger may add
MOST_OF_VISITORS = 4 * 2**30  # bytes of all strangers' weights
FOLDER_VARIABLE = "CONVMIXER_VIZ_CACHE"
NAME_PATTERN = re.compile(
    r"[a-z0-9][a-z0-9._-]{0,63}"
)  # no separators: a name can't leave the folder


@dataclass(frozen=True, slots=True)
class Entry:
    """What is noted beside added weights, in `<name>.json`."""

    record: Record
    replaces: bool  # weights of a preset in the table, not a preset of their own
    class_count: int
    origin: str  # name of the file that the user brought
    origin_sha256: str
    date: str  # UTC, ISO 8601
    assumed: tuple[str, ...]  # sentences: what neither the file nor the user said
    visitor: str = ""  # the stranger whose they are, and nobody else's; empty: the owner's

    @property
    def has_expired(self) -> bool:
        """What strangers add stays a day."""
        if not self.visitor:
            return False
        age = datetime.now(UTC) - datetime.fromisoformat(self.date)
        return age.total_seconds() > DAY


@dataclass(slots=True)
class Looking:
    """Who looks at the folder now: none sees all of it, as the command line and the devices'
    threads do; a stranger what is the owner's and what is theirs."""

    visitor: Callable[[], str | None] = lambda: None

    def may_see(self, entry: Entry) -> bool:
        """Whether an entry is there for who looks."""
        visitor = self.visitor()
        return visitor is None or (entry.visitor in ("", visitor) and not entry.has_expired)


LOOKING = Looking()  # a public server says who


def folder() -> Path:
    """The folder that $CONVMIXER_VIZ_CACHE names, else the system's cache folder of this user."""
    override = os.environ.get(FOLDER_VARIABLE)
    return Path(override) if override else Path(platformdirs.user_cache_dir("convmixer-viz"))


def results() -> Path:
    """The folder of results that are kept on disk."""
    return folder() / "results"


def large_results() -> Path:
    """The folder of results that are folders of arrays."""
    return folder() / "large-results"


def data_sets() -> Path:
    """The folder of data sets that were fetched, each a folder."""
    return folder() / "data"


def indices() -> Path:
    """The folder of data sets' indices."""
    return folder() / "indices"


def fetched_data() -> dict[str, Path]:
    """The folders of data sets that were fetched, and of their parts, by name."""
    here = data_sets().iterdir() if data_sets().is_dir() else ()
    names = sorted(path.name for path in here if NAME_PATTERN.fullmatch(path.name))
    found = (folders.parts(name, data_sets() / name) for name in names)
    return {name: folder for parts in found for name, folder in parts.items()}


def weights_file(name: str) -> Path:
    """The path of added weights, whether the file exists or not."""
    return _path(name, ".safetensors")


def entries() -> dict[str, Entry]:
    """The entries of added weights, by name, that who looks may see; `damaged_entries` are left
    out."""
    return {name: entry for name, entry in _all_entries().items() if LOOKING.may_see(entry)}


def _all_entries() -> dict[str, Entry]:
    entries = {}
    for path in sorted((folder() / "added").glob("*.json")):
        with contextlib.suppress(WeightsError):
            entries[path.stem] = _read(path)
    return entries


def damaged_entries() -> list[str]:
    """Names of added weights whose entry can't be read."""
    names = {path.stem for path in (folder() / "added").glob("*.json")}
    return sorted(name for name in names - set(_all_entries()) if NAME_PATTERN.fullmatch(name))


def write_entry(name: str, record: str, **fields: Any) -> None:
    """Write an entry: the record as JSON, and the other fields of `Entry`."""
    fields |= {"record": record, "visitor": LOOKING.visitor() or ""}
    text = json.dumps(fields, ensure_ascii=False, indent=1)
    write_whole(_path(name, ".json"), text.encode())


def remove(name: str) -> bool:
    """Delete added weights and their entry; returns whether there were any."""
    entry, visitor = _all_entries().get(name), LOOKING.visitor()
    if visitor is not None and entry is not None and entry.visitor != visitor:
        raise ChoiceError(f"{name} isn't yours: its owner can remove it.")
    return _delete(name)


def _delete(name: str) -> bool:
    paths = [_path(name, suffix) for suffix in (".json", ".safetensors")]  # no weights, no preset
    existed = any(path.is_file() for path in paths)
    try:
        for path in paths:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(
            f"{name} can't be removed ({error.strerror}): check the permissions of {path.parent}."
        ) from error
    return existed


def is_added(name: str) -> bool:
    """Whether weights are kept under a name: where a kill left no entry, none are."""
    return weights_file(name).is_file() and _path(name, ".json").is_file()


def keep_weights(name: str, file: Path) -> None:
    """Move a file from `scratch` to its name, where all of them together stay within bounds."""
    target = weights_file(name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        others = sum(p.stat().st_size for p in target.parent.glob("*.safetensors") if p != target)
        if others + file.stat().st_size > MAX_ADDED:
            raise WeightsError(
                f"Added weights take {others / 2**30:.1f} GiB, and {MAX_ADDED / 2**30:.0f} are the "
                "limit: remove some first."
            )
        _check_visitors_bounds(file.stat().st_size)
        file.replace(target)
    except OSError as error:
        raise WeightsError(
            f"{target} can't be written ({error.strerror}): free space or choose another folder."
        ) from error


def _check_visitors_bounds(size: int) -> None:
    visitor = LOOKING.visitor()
    if visitor is None:
        return
    sizes = {
        name: weights_file(name).stat().st_size
        for name, entry in _all_entries().items()
        if entry.visitor and is_added(name)
    }
    own = sum(size for name, size in sizes.items() if name in entries())
    if own + size > MOST_OF_VISITOR:
        raise WeightsError(
            f"Your weights would take {(own + size) / 2**20:.0f} MiB, and "
            f"{MOST_OF_VISITOR // 2**20} are the limit: remove some first."
        )
    if sum(sizes.values()) + size > MOST_OF_VISITORS:
        raise WeightsError(
            "Visitors' weights take all the space that is theirs: try again tomorrow, when some "
            "have gone."
        )


def own_name(name: str) -> str:
    """What weights of that name are called: a stranger's are told apart by who they are."""
    visitor = LOOKING.visitor()
    return name if visitor is None else f"{name[:55]}.{visitor[:8]}"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A private folder beside the added weights, which goes when the block ends."""
    parent = folder() / "incoming"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(dir=parent))
    except OSError as error:
        raise WeightsError(
            f"{parent} can't be written ({error.strerror}): free space or choose another folder."
        ) from error
    try:
        yield private
    finally:
        shutil.rmtree(private, ignore_errors=True)


def sweep(age: float) -> None:
    """Delete what kills left (private folders, half-written files, weights without an entry) and
    what strangers added a day ago."""
    for name, entry in _all_entries().items():
        if entry.has_expired:
            _delete(name)
    added = folder() / "added"
    orphans = (p for p in added.glob("*.safetensors") if not p.with_suffix(".json").exists())
    halves = ((folder() / "incoming").glob("*"), added.glob(".*"), folder().glob(".writing-*"))
    for path in itertools.chain(*halves, orphans):
        if _older(path, age):
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):  # a file
                path.unlink()


def _older(path: Path, age: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime >= age
    except OSError:
        return False


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file, remembered while its size and time of change stay."""
    status = path.stat()
    key, stamp = str(path), [status.st_size, status.st_mtime_ns]
    checksums = _read_checksums()
    if checksums.get(key, [])[:2] != stamp:
        checksums[key] = [*stamp, disk.sha256(path)]
        with contextlib.suppress(WeightsError):  # a folder that can't be written costs time only
            write_whole(folder() / "checksums.json", json.dumps(checksums).encode())
    return str(checksums[key][2])


def write_whole(path: Path, payload: bytes) -> None:
    """Replace a file in one step: nobody ever sees half of it, a failure leaves the old one."""
    try:
        disk.write({path.name: payload}, path.parent)
    except OSError as error:
        raise WeightsError(
            f"{path} can't be written ({error.strerror}): free space or choose another folder."
        ) from error


def _path(name: str, suffix: str) -> Path:
    if not NAME_PATTERN.fullmatch(name):
        raise ChoiceError(
            f"{name[:80]!r} can't name weights: use up to 64 of a … z, 0 … 9, '.', '_' and '-', "
            "beginning with a letter or a digit."
        )
    return folder() / "added" / f"{name}{suffix}"


def _read(path: Path) -> Entry:
    try:
        fields = json.loads(path.read_text("utf-8"))
        return Entry(
            metadata.loads(fields["record"], path.name),
            bool(fields["replaces"]),
            int(fields["class_count"]),
            str(fields["origin"]),
            str(fields["origin_sha256"]),
            str(fields["date"]),
            tuple(map(str, fields["assumed"])),
            str(fields.get("visitor", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise WeightsError(
            f"{path} can't be read: convmixer-viz models remove {path.stem}"
        ) from error


def _read_checksums() -> dict[str, list[Any]]:
    try:
        checksums = json.loads((folder() / "checksums.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(checksums, dict):
        return {}
    return {key: entry for key, entry in checksums.items() if _is_checksum(entry)}


def _is_checksum(entry: Any) -> bool:
    """Whether an entry is [size, time of change, sha256]."""
    return (
        isinstance(entry, list)
        and list(map(type, entry)) == [int, int, str]
        and re.fullmatch("[0-9a-f]{64}", entry[2]) is not None
    )
