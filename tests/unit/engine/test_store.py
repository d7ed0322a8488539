"""Results on disk: an entry is read as it was written, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from convmixer_viz.engine import store as module
from convmixer_viz.engine.store import INDEX, Holding, Store

LIMIT = 100_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results", LIMIT)


def entries(store: Store) -> set[str]:
    return {path.stem for path in store.folder.glob("*.npz")}


def test_what_was_put_is_there_for_the_next_one(store: Store) -> None:
    store.put("a", "prediction", b"one")
    store.put("b", "kernels", b"two")
    store.put("b", "kernels", b"three")
    again = Store(store.folder, LIMIT)
    assert (again.get("a"), again.get("b"), again.get("c")) == (b"one", b"three", None)
    assert again.holdings() == [Holding("kernels", 1, 5), Holding("prediction", 1, 3)]
    again.clear()
    assert again.holdings() == [] and store.get("a") is None and not entries(store)


def test_the_ones_used_longest_ago_go(store: Store) -> None:
    for name in "abcd":
        store.put(name, "kernels", name.encode() * 25_000)
    assert store.get("a")
    store.put("e", "kernels", b"e" * 50_000)
    assert entries(store) == {"a", "d", "e"}
    assert sum(holding.nbytes for holding in store.holdings()) <= LIMIT


def test_an_entry_beyond_the_limit_is_not_kept(store: Store) -> None:
    store.put("a", "kernels", bytes(10))
    store.put("b", "kernels", bytes(LIMIT + 1))
    assert store.get("a") and store.get("b") is None


@pytest.mark.parametrize("damage", [b"", b"on", b"onx", b"one and more"])
def test_a_damaged_entry_is_dropped(store: Store, damage: bytes) -> None:
    store.put("a", "prediction", b"one")
    (store.folder / "a.npz").write_bytes(damage)
    assert store.get("a") is None
    assert store.holdings() == [] and not entries(store)
    store.put("a", "prediction", b"one")
    assert store.get("a") == b"one"


def test_an_entry_without_its_file_is_dropped(store: Store) -> None:
    store.put("a", "prediction", b"one")
    (store.folder / "a.npz").unlink()
    assert store.get("a") is None and store.holdings() == []


def test_a_damaged_index_begins_anew(store: Store) -> None:
    store.put("a", "prediction", b"one")
    store.close()
    (store.folder / INDEX).write_bytes(b"no database" * 1000)
    again = Store(store.folder, LIMIT)
    assert again.get("a") is None
    again.put("a", "prediction", b"two")
    assert again.get("a") == b"two" and not again.problem


def test_what_a_kill_left_is_swept_when_it_is_old(store: Store) -> None:
    store.put("a", "prediction", b"one")
    names = ("old.npz", ".writing-old", "young.npz")
    for name in names:
        (store.folder / name).write_bytes(b"left")
    for name in names[:2]:
        os.utime(store.folder / name, (0, 0))
    os.utime(store.folder / "a.npz", (0, 0))
    again = Store(store.folder, LIMIT)
    assert again.get("a") == b"one"
    assert {path.name for path in store.folder.iterdir()} == {INDEX, "a.npz", "young.npz"}


def test_a_full_disk_is_told_and_work_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", "prediction", b"one")

    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    store.put("b", "prediction", b"two")
    assert "No space left on device" in store.problem and str(store.folder) in store.problem
    assert store.get("a") is None
    store.put("c", "prediction", b"three")  # nothing raises


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = Store(tmp_path / "file" / "results", LIMIT)
    assert store.get("a") is None
    assert "Not a directory" in store.problem


def test_a_limit_of_nothing_touches_no_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "results", 0)
    store.put("a", "prediction", b"")
    assert store.get("a") is None and not list(tmp_path.iterdir())


def test_a_writer_that_is_held_up_waits_and_then_goes_without(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT", 0.01)
    other = Store(store.folder, LIMIT)
    other.put("a", "prediction", b"one")
    assert store.get("a") == b"one"
    assert other._index is not None
    other._index.execute("BEGIN EXCLUSIVE")
    store.put("b", "prediction", b"two")
    assert not store.problem and store.get("b") is None
    other._index.execute("ROLLBACK")
    assert store.get("a") == b"one" and store.get("b") is None
