"""Results too large for one file: a folder each of .npy files, read where they lie, and one record.
It has its name once it is whole."""

from __future__ import annotations

import contextlib
import io
import math
import os
import secrets
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.engine.finished_parts import FinishedParts, Shapes
from convmixer_viz.errors import DataError

Arrays = dict[str, NDArray[Any]]

SCRATCH = ".writing-"  # how the names of folders begin that aren't whole yet
RECORD = "record.json"
LEFTOVER = 7 * 24 * 3600  # seconds after which one that isn't whole is given up
UNREADABLE = (OSError, ValueError, EOFError)


class ArrayFolders:
    """Folders by key, bounded in bytes: the ones used longest ago go where the limit is passed."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit

    def begin(self, key: str) -> FolderParts:
        """The place of a piece of work; what a killed process has left there is found again."""
        self._sweep()
        return FolderParts(self.folder / f"{SCRATCH}{key}", self.limit)

    def finish(self, key: str, arrays: Mapping[str, NDArray[Any]], record: bytes) -> None:
        """Name the folder whose arrays are whole; those that aren't there yet are added."""
        scratch, whole = self.folder / f"{SCRATCH}{key}", self.folder / key
        if whole.is_dir() and not scratch.is_dir():
            return  # another process was as quick
        with _in_words(self.folder):
            scratch.mkdir(parents=True, exist_ok=True)
            for name, array in arrays.items():
                if not _lies_in(array, scratch / f"{name}.npy"):
                    np.save(scratch / f"{name}.npy", array)
            for part in scratch.glob("*.npz"):
                part.unlink()
            (scratch / RECORD).write_bytes(record)
            shutil.rmtree(whole, ignore_errors=True)
            scratch.rename(whole)
        self._make_room(key)

    def get(self, key: str) -> tuple[bytes, Arrays] | None:
        """Record and arrays, these left on disk; None where there is no such folder."""
        whole = self.folder / key
        try:
            record = (whole / RECORD).read_bytes()
            arrays = {path.stem: np.load(path, "r") for path in whole.glob("*.npy")}
            os.utime(whole)
        except UNREADABLE:
            return None
        return record, arrays

    def sizes(self) -> dict[str, int]:
        """Bytes of the whole folders by key, the one used longest ago first."""
        here = self.folder.iterdir() if self.folder.is_dir() else ()
        whole = [path for path in here if not path.name.startswith(SCRATCH)]
        whole.sort(key=lambda path: path.stat().st_mtime)
        return {path.name: _size(path) for path in whole}

    def clear(self) -> None:
        """Delete all of them, and what is not whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_room(self, newest: str) -> None:
        sizes = self.sizes()
        for key, size in list(sizes.items()):
            if sum(sizes.values()) > self.limit and key != newest:
                shutil.rmtree(self.folder / key, ignore_errors=True)
                sizes[key] -= size

    def _sweep(self) -> None:
        for left in self.folder.glob(f"{SCRATCH}*/"):
            if time.time() - left.stat().st_mtime > LEFTOVER:
                shutil.rmtree(left, ignore_errors=True)


class FolderParts(FinishedParts):
    """What a request has finished on its way, in a folder of its own, with its arrays."""

    def __init__(self, folder: Path, limit: int) -> None:
        super().__init__()
        self._folder, self._limit = folder, limit

    def arrays(self, shapes: Shapes) -> Arrays:
        """Arrays that lie in the folder; refused where they are larger than the bound. Several
        processes may fill the same ones, each with the same numbers."""
        size = sum(math.prod(shape) * np.dtype(kind).itemsize for shape, kind in shapes.values())
        if size > self._limit:
            raise DataError(
                f"This result takes {size / 2**30:.2f} GiB on disk, and {self._limit / 2**30:.2f} "
                "are the bound: choose fewer pictures or features, or a larger --store."
            )
        with _in_words(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            return {name: self._mapped(name, *shape) for name, shape in shapes.items()}

    def get(self, name: str) -> Arrays | None:
        """The arrays of a finished part."""
        try:
            with np.load(self._path(name), allow_pickle=False) as stored:
                self.used = True
                return {key: stored[key] for key in stored.files}
        except (*UNREADABLE, zipfile.BadZipFile):
            return None

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a finished part, once what was filled so far is on its way to disk."""
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        scratch = self._folder / secrets.token_hex(8)
        with _in_words(self._folder):
            scratch.write_bytes(content.getvalue())
            scratch.replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace(' ', '-')}.npz"

    def _mapped(self, name: str, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
        """The array of a file, which is made where there is none, with all the room it takes."""
        path = self._folder / f"{name}.npy"
        if not path.exists():
            scratch = self._folder / secrets.token_hex(8)
            made = np.lib.format.open_memmap(scratch, "w+", kind, shape)
            del made
            _reserve(scratch)
            with contextlib.suppress(FileExistsError):  # another process's: it is filled, too
                os.link(scratch, path)
            scratch.unlink()
        return np.load(path, "r+")  # type: ignore[no-any-return]


def _reserve(path: Path) -> None:
    """Take a file's room now: a mapped page without room on disk ends the process."""
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, max(1, path.stat().st_size))


def _lies_in(array: NDArray[Any], path: Path) -> bool:
    """Whether an array, or what it is a view of, is a mapped file."""
    while array.base is not None and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap) and Path(str(array.filename)) == path.resolve()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@contextlib.contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder.parent} can't be written ({os.strerror(error.errno or 0)}): free space, or "
            "choose another folder by CONVMIXER_VIZ_CACHE."
        ) from error
