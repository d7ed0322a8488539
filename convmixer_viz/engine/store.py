"""The second level of the result cache: files in a folder, bounded in bytes, safe for several
processes. (diskcache keeps no checksums and unpickles whatever its index calls a pickle.)"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import convmixer_viz

T = TypeVar("T")
DEFAULT_BYTES = 2 * 2**30
WAIT = 5.0  # seconds for another process that writes
INDEX = "index.sqlite"
SCRATCH = ".writing-"  # how the names of files begin that aren't whole yet
LEFTOVER = 24 * 3600  # seconds after which a file that no entry names was left by a kill
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
TABLE = """CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, kind TEXT, bytes INTEGER, sha256 TEXT, used REAL)"""


class Holding(NamedTuple):
    """What the store holds of one kind."""

    kind: str
    entries: int
    nbytes: int


class Store:
    """Bytes by key, each entry a file; an index in SQLite has their checksums and when each was
    used. An entry is read as it was written, or not at all. Where the folder fails (a full disk,
    no permission) work goes on without the store, and `problem` says why. A limit of 0 keeps
    nothing, and touches no file."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.problem = ""
        self._lock = threading.Lock()
        self._index: sqlite3.Connection | None = None

    def get(self, key: str) -> bytes | None:
        """The entry, now the one used last; None where there is none, or a damaged one."""
        return self._attempt(lambda index: self._get(index, key), None)

    def put(self, key: str, kind: str, content: bytes) -> None:
        """Keep an entry; the ones used longest ago go where the limit is passed."""
        if len(content) <= self.limit:
            self._attempt(lambda index: self._put(index, key, kind, content), None)

    def drop(self, key: str) -> None:
        """Delete an entry."""
        self._attempt(lambda index: self._drop(index, [key]), None)

    def clear(self) -> None:
        """Delete all entries."""
        self._attempt(lambda index: self._drop(index, _keys(index)), None)

    def holdings(self) -> list[Holding]:
        """What is there, by kind."""
        return self._attempt(_holdings, [])

    def close(self) -> None:
        """Let go of the index; the next use opens it again."""
        with self._lock:
            self._forget_index()

    def _attempt(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do work with the index; what fails is noted, and the caller goes on without."""
        with self._lock:
            if self.problem or not self.limit:
                return otherwise
            try:
                return work(self._open())
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind
                if code in DAMAGED:
                    self._begin_anew()
                elif code not in BUSY:
                    self._give_up(str(error))
            except OSError as error:
                self._give_up(os.strerror(error.errno or 0))
            return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._index is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            index = sqlite3.connect(
                self.folder / INDEX, WAIT, isolation_level=None, check_same_thread=False
            )
            self._index = index
            index.execute("PRAGMA synchronous = OFF")  # a lost index costs time, nothing else
            index.execute(TABLE)
            self._sweep(index)
        return self._index

    def _sweep(self, index: sqlite3.Connection) -> None:
        """Delete old files that no entry names: a kill came between a file and its entry."""
        known, now = {INDEX, *map(_file_name, _keys(index))}, time.time()
        for file in os.scandir(self.folder):
            if file.name not in known and now - file.stat().st_mtime > LEFTOVER:
                Path(file).unlink(missing_ok=True)

    def _get(self, index: sqlite3.Connection, key: str) -> bytes | None:
        row = index.execute("SELECT sha256 FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:  # another process made room meanwhile
            content = b""
        if hashlib.sha256(content).hexdigest() != row[0]:
            self._drop(index, [key])
            return None
        index.execute("UPDATE entries SET used = ? WHERE key = ?", (time.time(), key))
        return content

    def _put(self, index: sqlite3.Connection, key: str, kind: str, content: bytes) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        scratch = self.folder / f"{SCRATCH}{secrets.token_hex(8)}"
        try:
            scratch.write_bytes(content)
            with index:  # file and entry change together, whoever else writes
                index.execute("BEGIN IMMEDIATE")
                scratch.replace(self._path(key))
                entry = (key, kind, len(content), sha256, time.time())
                index.execute("REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", entry)
        finally:
            scratch.unlink(missing_ok=True)
        self._drop(index, _surplus(index, self.limit))

    def _drop(self, index: sqlite3.Connection, keys: list[str]) -> None:
        with index:
            index.execute("BEGIN IMMEDIATE")
            index.executemany("DELETE FROM entries WHERE key = ?", [(key,) for key in keys])
            for key in keys:
                self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / _file_name(key)

    def _begin_anew(self) -> None:
        """Delete a damaged index; its files go with the next sweep, or are written over."""
        self._forget_index()
        (self.folder / INDEX).unlink(missing_ok=True)

    def _forget_index(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _give_up(self, reason: str) -> None:
        self._forget_index()
        self.problem = (
            f"Results are no longer kept in {self.folder} ({reason}): free space there, or choose "
            "another folder by CONVMIXER_VIZ_CACHE, and start again."
        )


@cache
def code_fingerprint() -> str:
    """sha256 of this package's source: what other code computed is another result."""
    package, digest = Path(convmixer_viz.__file__).parent, hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _file_name(key: str) -> str:
    return f"{key}.npz"


def _keys(index: sqlite3.Connection) -> list[str]:
    return [key for (key,) in index.execute("SELECT key FROM entries")]


def _holdings(index: sqlite3.Connection) -> list[Holding]:
    query = "SELECT kind, count(*), sum(bytes) FROM entries GROUP BY kind ORDER BY kind"
    return [Holding(*row) for row in index.execute(query)]


def _surplus(index: sqlite3.Connection, limit: int) -> list[str]:
    """The entries used longest ago, as many as must go for the rest to fit."""
    ((surplus,),) = index.execute("SELECT sum(bytes) - ? FROM entries", (limit,))
    keys = []
    for key, nbytes in index.execute("SELECT key, bytes FROM entries ORDER BY used"):
        if surplus <= 0:
            break
        keys.append(key)
        surplus -= nbytes
    return keys
