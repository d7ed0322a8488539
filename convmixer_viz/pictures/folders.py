"""Data sets: named folders of pictures, one folder a class or flat, read-only; the index of each is
made at its first reading and kept."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Step
from convmixer_viz.errors import DataError, PictureError
from convmixer_viz.pictures.decode import SUFFIXES, Picture, decode
from convmixer_viz.presets.classes import match
from convmixer_viz.questions.picture_edits import PictureEdit

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PARTS = ("train", "val", "test")  # folders that are data sets of their own
UNLABELLED = -1
HASHED_AT_ONCE = 512  # pictures between two steps, and two commits
LISTED_AT_ONCE = 10_000
WAIT = 60.0  # seconds for another process that makes the same index
TABLES = """
CREATE TABLE IF NOT EXISTS files (
    label INTEGER, name TEXT, bytes INTEGER, changed INTEGER, sha256 TEXT, width INTEGER,
    height INTEGER, problem TEXT, round INTEGER, PRIMARY KEY (label, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pictures (
    number INTEGER PRIMARY KEY, label INTEGER, name TEXT, sha256 TEXT, width INTEGER,
    height INTEGER);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
"""


class File(NamedTuple):
    """A picture's file, as it lies in the folder."""

    label: int
    name: str  # below the folder, with / between
    size: int  # bytes
    changed: int  # ns


@dataclass(frozen=True, slots=True)
class DataSet:
    """The pictures of a folder that can be read, numbered from 0 by class, then by name."""

    name: str
    folder: Path
    classes: tuple[str, ...]  # none: no labels
    index: Path
    sha256: str  # of the names, labels and pictures' sha256, in order
    count: int
    left_out: int  # files that can't be read

    def __len__(self) -> int:
        return self.count

    def labels(self) -> NDArray[np.int64]:
        """(count,) The class of each picture; -1 where there are none."""
        with closing(_open(self.index)) as index:
            rows = index.execute("SELECT label FROM pictures ORDER BY number")
            return np.fromiter((label for (label,) in rows), np.int64, self.count)

    def draw(self, size: int, seed: int) -> tuple[int, ...]:
        """The numbers of `size` pictures drawn without replacement, in order."""
        if not 0 < size <= self.count:
            raise DataError(f"{self.name} has {self.count} pictures: draw 1 to {self.count}.")
        drawn = np.random.default_rng(seed).choice(self.count, size, replace=False)
        return tuple(sorted(drawn.tolist()))

    def picture(self, number: int) -> Picture:
        """A picture, left in its file; it is decoded, and checked, when its pixels are wanted."""
        with closing(_open(self.index)) as index:
            return self.entry(index, number)

    def entry(self, index: sqlite3.Connection, number: int) -> Picture:
        """The same, from the opened index."""
        query = "SELECT name, sha256, width, height FROM pictures WHERE number = ?"
        row = index.execute(query, (number,)).fetchone()
        if row is None:
            raise DataError(f"{self.name} has no picture {number}: choose 0 to {self.count - 1}.")
        name, sha256, width, height = row
        return Picture(name, sha256, width, height, self.folder / name)

    def problems(self, most: int = 20) -> list[str]:
        """Why files were left out, a sentence each."""
        query = "SELECT problem FROM files WHERE problem != '' ORDER BY label, name LIMIT ?"
        with closing(_open(self.index)) as index:
            return [problem for (problem,) in index.execute(query, (most,))]


@dataclass(frozen=True, slots=True, repr=False)
class Drawn(Sequence[Picture]):
    """All pictures of a data set, or those drawn by a seed, left in their files: they stream."""

    data: DataSet
    size: int | None = None  # none: all of them
    seed: int = 0
    edits: tuple[PictureEdit, ...] = ()  # of each picture
    sources: tuple[Picture, ...] = ()  # what the edits paste
    numbers: Sequence[int] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        whole = self.size is None or self.size == self.data.count
        numbers = range(self.data.count) if whole else self.data.draw(self.size or 0, self.seed)
        object.__setattr__(self, "numbers", numbers)

    @property
    def identity(self) -> str:
        """All that decides which pictures these are."""
        which = "" if self.size is None else f", {self.size} by seed {self.seed}"
        return f"{self.data.name} ({self.data.count}, sha256 {self.data.sha256}){which}"

    def __repr__(self) -> str:
        edits = f", {self.edits} {self.sources}" if self.edits else ""
        return f"<{self.identity}{edits}>"

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Picture]:
        with closing(_open(self.data.index)) as index:
            for number in self.numbers:
                yield self._edited(self.data.entry(index, number))

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> list[Picture]: ...
    def __getitem__(self, index: int | slice) -> Picture | list[Picture]:
        if isinstance(index, slice):
            return [self._edited(self.data.picture(number)) for number in self.numbers[index]]
        return self._edited(self.data.picture(self.numbers[index]))

    def _edited(self, picture: Picture) -> Picture:
        return replace(picture, edits=self.edits, sources=self.sources) if self.edits else picture

    def labels(self, class_names: Sequence[str]) -> NDArray[np.int64]:
        """(n,) The class of each picture among these names, which a preset knows."""
        if not self.data.classes:
            raise DataError(
                f"{self.data.name} has no labels: give a folder with one folder a class."
            )
        indices = np.array(match(class_names, self.data.classes), np.int64)
        labels: NDArray[np.int64] = indices[self.data.labels()[np.asarray(self.numbers)]]
        return labels


def parts(name: str, folder: Path) -> dict[str, Path]:
    """The data sets that a folder is, by name: train/, val/ and test/ inside are one each."""
    if not NAME_PATTERN.fullmatch(name):
        raise DataError(
            f"{name[:80]!r} can't name a data set: use up to 64 letters, digits, '.', '_' and "
            "'-', beginning with a letter or a digit."
        )
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder} for the data set {name}.")
    inside = {f"{name}/{part}": folder / part for part in PARTS if (folder / part).is_dir()}
    return inside or {name: folder}


def find(name: str, sets: Mapping[str, Path]) -> Path:
    """The folder of a data set that is named."""
    if name not in sets:
        names = ", ".join(sets) or "none; name one by --data NAME=DIR"
        raise DataError(f"There is no data set {name[:80]!r}: there is {names}.")
    return sets[name]


def read(name: str, folder: Path, kept_in: Path) -> Iterator[Step[DataSet]]:
    """Steps to the data set of a folder; only the last has it. What the index in `kept_in` knows
    already is not read again, a folder that has changed is noticed."""
    path = kept_in / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]}.sqlite"
    try:
        classes = _classes(folder)
        kept_in.mkdir(parents=True, exist_ok=True)
        with closing(_open(path)) as index:
            index.executescript(TABLES)
            fingerprint = _fingerprint(folder, classes)
            if _fact(index, "fingerprint") != fingerprint:
                _list(index, folder, classes)
                yield from _hash(index, folder)
                _number(index, fingerprint)
            data = _data_set(name, folder, classes, path, index)
    except sqlite3.Error as error:
        raise DataError(f"The index {path} can't be used ({error}): delete it.") from error
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise DataError(f"{error.filename or folder} can't be used ({reason}).") from error
    if not data.count:
        raise DataError(f"No picture in {folder} can be read: {data.problems(1)[0]}")
    yield Step(1, 1, data)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, WAIT, isolation_level=None)


def _classes(folder: Path) -> tuple[str, ...]:
    """The folders inside; where there are none the pictures have no labels."""
    with os.scandir(folder) as inside:
        names = [each.name for each in inside if each.is_dir() and not each.name.startswith(".")]
    return tuple(sorted(names))


def _files(folder: Path, classes: tuple[str, ...]) -> Iterator[File]:
    """All files that may be pictures, in no order. Links to files are followed, links to folders
    are not, but for a class's own: so no walk goes round in circles."""
    if not classes:
        yield from _inside(folder, "", UNLABELLED, deep=False)
    for label, name in enumerate(classes):
        yield from _inside(folder, f"{name}/", label, deep=True)


def _inside(folder: Path, prefix: str, label: int, *, deep: bool) -> Iterator[File]:
    with os.scandir(folder / prefix) as inside:
        for each in inside:
            name = f"{prefix}{each.name}"
            if each.is_dir(follow_symlinks=False):
                if deep:
                    yield from _inside(folder, f"{name}/", label, deep=True)
            elif Path(each.name).suffix.lower() in SUFFIXES:
                yield _file(each, name, label)


def _file(entry: os.DirEntry[str], name: str, label: int) -> File:
    try:
        status = entry.stat()
        regular = stat.S_ISREG(status.st_mode)
    except OSError:  # a link to nothing, or to itself: decoding says so
        return File(label, name, -1, 0)
    return File(label, name, status.st_size if regular else -1, status.st_mtime_ns)


def _fingerprint(folder: Path, classes: tuple[str, ...]) -> str:
    """Names, sizes and times of change of all files; the order in which they are met is free."""
    total, count = 0, 0
    for file in _files(folder, classes):
        total += int.from_bytes(hashlib.blake2b(repr(file).encode(), digest_size=16).digest())
        count += 1
    return f"{count} {total % 2**128:x} {classes}"


def _list(index: sqlite3.Connection, folder: Path, classes: tuple[str, ...]) -> None:
    """Bring the table of files up to date: what is new or changed has no sha256."""
    last = index.execute("SELECT max(round) FROM files").fetchone()[0] or 0
    sql = """INSERT INTO files VALUES (?, ?, ?, ?, '', 0, 0, '', ?)
        ON CONFLICT (label, name) DO UPDATE SET round = excluded.round,
        sha256 = iif(bytes = excluded.bytes AND changed = excluded.changed, sha256, ''),
        problem = iif(bytes = excluded.bytes AND changed = excluded.changed, problem, ''),
        bytes = excluded.bytes, changed = excluded.changed"""
    files = ((*file, last + 1) for file in _files(folder, classes))
    while some := list(islice(files, LISTED_AT_ONCE)):
        with index:
            index.execute("BEGIN IMMEDIATE")
            index.executemany(sql, some)
    with index:
        index.execute("BEGIN IMMEDIATE")
        index.execute("DELETE FROM files WHERE round != ?", (last + 1,))


def _hash(index: sqlite3.Connection, folder: Path) -> Iterator[Step[DataSet]]:
    """Decode what has no sha256 yet; a step each HASHED_AT_ONCE pictures, kept at once."""
    left = "FROM files WHERE sha256 = '' AND problem = ''"
    total = index.execute(f"SELECT count(*) {left}").fetchone()[0]
    done, select = 0, f"SELECT label, name {left} LIMIT {HASHED_AT_ONCE}"
    with ThreadPoolExecutor() as pool:
        while some := index.execute(select).fetchall():
            looked_at = list(pool.map(lambda row: _look_at(folder, row[1]), some))
            with index:
                index.execute("BEGIN IMMEDIATE")
                index.executemany(
                    """UPDATE files SET sha256 = ?, width = ?, height = ?, problem = ?
                    WHERE label = ? AND name = ?""",
                    [(*found, *row) for found, row in zip(looked_at, some, strict=True)],
                )
            done += len(some)
            yield Step(min(done, total), total + 1)


def _look_at(folder: Path, name: str) -> tuple[str, int, int, str]:
    """A picture's sha256, width and height, or what is wrong with its file."""
    try:
        picture = decode(folder / name, name)
    except PictureError as error:
        return "", 0, 0, str(error)
    return picture.sha256, picture.width, picture.height, ""


def _number(index: sqlite3.Connection, fingerprint: str) -> None:
    """Number what can be read, and note the sha256 of it all."""
    with index:
        index.execute("BEGIN IMMEDIATE")
        index.execute("DELETE FROM pictures")
        index.execute(
            """INSERT INTO pictures SELECT row_number() OVER (ORDER BY label, name) - 1,
            label, name, sha256, width, height FROM files WHERE sha256 != '' ORDER BY label, name"""
        )
        digest = hashlib.sha256()
        for row in index.execute("SELECT label, name, sha256 FROM pictures ORDER BY number"):
            digest.update(repr(row).encode())
        facts = [("fingerprint", fingerprint), ("sha256", digest.hexdigest())]
        index.executemany("REPLACE INTO facts VALUES (?, ?)", facts)


def _data_set(
    name: str, folder: Path, classes: tuple[str, ...], path: Path, index: sqlite3.Connection
) -> DataSet:
    ((count,),) = index.execute("SELECT count(*) FROM pictures")
    ((left_out,),) = index.execute("SELECT count(*) FROM files WHERE problem != ''")
    if not count and not left_out:
        raise DataError(f"{folder} holds no pictures: put some there, or one folder a class.")
    return DataSet(name, folder, classes, path, _fact(index, "sha256"), count, left_out)


def _fact(index: sqlite3.Connection, name: str) -> str:
    row = index.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""
