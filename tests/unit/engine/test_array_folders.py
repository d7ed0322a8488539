"""Folders of arrays: whole or not there, found again after a kill, bounded."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from convmixer_viz.engine.array_folders import ArrayFolders
from convmixer_viz.errors import DataError

SHAPES = {"logits": ((5, 3), "float32"), "votes": ((5,), "int64")}


def fill(folders: ArrayFolders, key: str, value: float) -> dict[str, np.ndarray]:
    arrays = folders.begin(key).arrays(SHAPES)
    arrays["logits"][:] = value
    return arrays


def test_what_was_filled_is_found_again_and_named_once_whole(tmp_path: Path) -> None:
    folders = ArrayFolders(tmp_path, 2**20)
    fill(folders, "a", 2.5)
    folders.begin("a").put("so far", {"done": np.array(3)})
    again = ArrayFolders(tmp_path, 2**20).begin("a")
    arrays, part = again.arrays(SHAPES), again.get("so far")
    assert arrays["logits"].tolist() == [[2.5] * 3] * 5 and not arrays["votes"].any()
    assert part is not None and int(part["done"]) == 3
    assert folders.get("a") is None  # not whole yet
    folders.finish("a", arrays | {"more": np.arange(2)}, b"{}")
    found = folders.get("a")
    assert found is not None
    record, back = found
    assert record == b"{}" and back.keys() == {"logits", "votes", "more"}
    assert np.array_equal(back["logits"], arrays["logits"]) and not back["logits"].flags.writeable
    assert not list((tmp_path / "a").glob("*.npz"))


def test_two_that_fill_the_same_share_the_files(tmp_path: Path) -> None:
    folders = ArrayFolders(tmp_path, 2**20)
    one, other = fill(folders, "a", 1), fill(folders, "a", 1)
    one["votes"][0], other["votes"][4] = 7, 8
    assert one["votes"].tolist() == other["votes"].tolist() == [7, 0, 0, 0, 8]
    folders.finish("a", one, b"1")
    folders.finish("a", other, b"1")
    found = folders.get("a")
    assert found is not None and found[1]["votes"].tolist() == [7, 0, 0, 0, 8]


def test_the_ones_used_longest_ago_make_room(tmp_path: Path) -> None:
    folders = ArrayFolders(tmp_path, 1000)
    for age, key in enumerate("abc"):
        folders.finish(key, fill(folders, key, 1), b"{}")
        for path in tmp_path.glob("?"):
            os.utime(path, (1e9 + age, 1e9 + age)) if path.name == key else None
    assert list(folders.sizes()) == ["b", "c"]
    folders.clear()
    assert folders.sizes() == {} and folders.get("c") is None


def test_what_does_not_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    folders = ArrayFolders(tmp_path, 99)
    with pytest.raises(DataError, match="choose fewer pictures or features, or a larger --store"):
        folders.begin("a").arrays(SHAPES)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folders = ArrayFolders(tmp_path / "file" / "inside", 2**20)
    with pytest.raises(DataError, match="can't be written"):
        folders.begin("a").arrays(SHAPES)


def test_a_damaged_folder_is_none(tmp_path: Path) -> None:
    folders = ArrayFolders(tmp_path, 2**20)
    folders.finish("a", fill(folders, "a", 1), b"{}")
    (tmp_path / "a" / "votes.npy").write_bytes(b"no array")
    assert folders.get("a") is None and folders.get("b") is None
