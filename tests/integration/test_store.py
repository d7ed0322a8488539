"""Results on disk beside kills and other processes: an entry is right, or it isn't there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from convmixer_viz.engine.store import Store

LIMIT = 4_000_000
KEYS = 40
KILLS = 10
WRITER = """
import itertools, sys
from pathlib import Path
from convmixer_viz.engine.store import Store
from tests.integration.test_store import KEYS, LIMIT, check, content
store = Store(Path(sys.argv[1]), LIMIT)
for number in itertools.count(int(sys.argv[2])):
    store.put(f"key-{number % KEYS}", "test", content(number % KEYS, number))
    check(store, (number * 7) % KEYS)
    assert not store.problem, store.problem
    if number == int(sys.argv[3]):
        break
"""


def content(key: int, number: int) -> bytes:
    """Bytes that tell their key, of a size that changes from time to time."""
    return f"{key} ".encode() * (20_000 + 1_000 * (number % 50))


def check(store: Store, key: int) -> bool:
    """Whether there is an entry; one that isn't whole or is another's fails."""
    found = store.get(f"key-{key}")
    assert found is None or set(found.split()) == {str(key).encode()}
    return found is not None


def writer(folder: Path, first: int, last: int = -1) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(last)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def test_a_kill_leaves_no_entry_that_is_wrong(tmp_path: Path) -> None:
    generator, there = random.Random(0), 0
    for kill in range(KILLS):
        process = writer(tmp_path, kill * 1000)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.4))
        process.kill()
        _, errors = process.communicate()
        assert process.returncode == -9, errors.decode()
        store = Store(tmp_path, LIMIT)
        there += sum(check(store, key) for key in range(KEYS))
        store.put("after", "test", b"a kill locks nobody out")
        assert store.get("after") and not store.problem
    assert there


def test_two_processes_share_a_store(tmp_path: Path) -> None:
    processes = [writer(tmp_path, first, first + 400) for first in (0, 20_000)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    store = Store(tmp_path, LIMIT)
    assert sum(check(store, key) for key in range(KEYS))
    assert sum(holding.nbytes for holding in store.holdings()) <= LIMIT
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".writing-")]
