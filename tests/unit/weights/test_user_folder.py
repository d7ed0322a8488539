"""Checksums are remembered, and a damaged entry hides nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from convmixer_viz.weights import collection, locate, user_folder

pytestmark = pytest.mark.usefixtures("own_folders")


def test_checksums_are_remembered_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = user_folder.sha256(path)
    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
        assert user_folder.sha256(path) == first
    path.write_bytes(b"two!")
    assert user_folder.sha256(path) == hashlib.sha256(b"two!").hexdigest()
    (tmp_path / "own" / "checksums.json").write_text("broken")
    assert user_folder.sha256(path) == hashlib.sha256(b"two!").hexdigest()


def test_a_damaged_record_is_named_and_hides_nothing_else(file: Path, tmp_path: Path) -> None:
    collection.add(file, name="one")
    collection.add(file, name="two")
    (tmp_path / "own" / "added" / "one.json").write_text("{}")
    assert "two" in locate.all_presets() and "one" not in locate.all_presets()
    assert user_folder.damaged_entries() == ["one"]
    collection.remove("one")
    assert user_folder.damaged_entries() == []


@pytest.mark.parametrize(
    "entry", ["5", "[]", "[1]", '["a", "b", "c"]', "[SIZE, TIME, 5]", '[SIZE, TIME, "=1"]', "{}"]
)
def test_odd_checksums_are_forgotten(tmp_path: Path, entry: str) -> None:
    path, checksums = tmp_path / "file", tmp_path / "own" / "checksums.json"
    path.write_bytes(b"one")
    checksums.parent.mkdir(exist_ok=True)
    status = path.stat()
    entry = entry.replace("SIZE", str(status.st_size)).replace("TIME", str(status.st_mtime_ns))
    for text in (f"{{{json.dumps(str(path))}: {entry}}}", "[" * 100_000, entry):
        checksums.write_text(text)
        assert user_folder.sha256(path) == hashlib.sha256(b"one").hexdigest()
