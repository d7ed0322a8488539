"""Files are written whole, all or none, in their order."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from convmixer_viz import disk


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_bytes_and_what_fills_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    contents: dict[str, disk.Content] = {"a": b"one", "b": lambda path: path.write_text("two")}
    assert disk.write(contents, folder) == [folder / "a", folder / "b"]
    assert ((folder / "a").read_text(), (folder / "b").read_text()) == ("one", "two")
    assert names(folder) == {"a", "b"}
    assert disk.sha256(folder / "a") == hashlib.sha256(b"one").hexdigest()


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    disk.write({"a": b"before"}, tmp_path)

    def fails(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError

    with pytest.raises(OSError):
        disk.write({"a": b"after", "b": fails}, tmp_path)
    assert names(tmp_path) == {"a"} and (tmp_path / "a").read_bytes() == b"before"


def test_they_come_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    replace = Path.replace

    def noted(path: Path, target: Path) -> Path:
        order.append(target.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    disk.write({"b": b"", "c": b"", "a": b""}, tmp_path)
    assert order == ["b", "c", "a"]


def test_what_a_kill_left_goes_when_it_is_old(tmp_path: Path) -> None:
    for name in (".writing-old", ".writing-young", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_bytes(b"half")
    for name in (".writing-old", "old"):
        os.utime(tmp_path / name, (0, 0))
    disk.write({"a": b""}, tmp_path)
    assert names(tmp_path) == {"a", ".writing-young", "old"}
