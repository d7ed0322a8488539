"""Files on disk: their sha256, and how they are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

STAGING = ".writing-"  # how the names of folders begin whose files aren't whole yet
LEFTOVER = 24 * 3600  # seconds after which such a folder is what a kill left

Content = bytes | Callable[[Path], object]  # what a file holds, or what fills one at a path


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(contents: Mapping[str, Content], folder: Path) -> list[Path]:
    """Write files into a folder, all or none: each is complete before the first is put in place,
    which they are in their order. What fails raises, and what was there before stays."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=STAGING) as staging:
        for name, content in contents.items():
            _fill(Path(staging, name), content)
        for name in contents:
            Path(staging, name).replace(folder / name)
    return [folder / name for name in contents]


def _fill(path: Path, content: Content) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _sweep(folder: Path) -> None:
    """Delete what a kill left a day ago or more."""
    for left in folder.glob(f"{STAGING}*/"):
        if time.time() - left.stat().st_mtime > LEFTOVER:
            shutil.rmtree(left, ignore_errors=True)
