"""Kills at any moment while weights are added or fetched: nothing wrong is shown afterwards, and
nothing is left after the next start."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint, collection, hub, locate, user_folder
from tests.hub_server import Hub
from tests.integration.weights.conftest import PUBLISHED_FILE, cached_files
from tests.tiny_download import TINY_PUBLISHED
from tests.unit.weights.conftest import STATE, torch_file

A_FEW, MANY = 3, 50


def kill_after(command: list[str], seconds: float) -> None:
    """Start Python with these arguments and kill it, where it hasn't ended by itself."""
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill_adding(tmp_path: Path, times: int) -> None:
    """Each time weights are whole under their name, or it is free; at the end nothing is left."""
    file, draw = torch_file(tmp_path, STATE), random.Random(times)
    for _ in range(times):
        add = ["-m", "convmixer_viz.cli", "models", "add", str(file), "--name", "mine"]
        kill_after(add, draw.uniform(1, 8))
        assert user_folder.damaged_entries() == []
        if "mine" in locate.all_presets():
            preset = locate.all_presets()["mine"]
            checkpoint.read_as(locate.require_file(preset), preset)
            collection.remove("mine")
    collection.sweep(age=0)
    left = [path for path in (tmp_path / "own").rglob("*") if path.is_file()]
    assert [path for path in left if path.name != "checksums.json"] == []


def kill_fetching(server: Hub, tmp_path: Path, times: int) -> None:
    """Each time the fetched file is the hub's, or none is; the next fetch brings it."""
    server.behaviour, server.pace = "slow", 0.02
    draw = random.Random(times)
    for _ in range(times):
        fetch = ["-m", "tests.tiny_download", "tiny-published", str(hub.cache_folder())]
        kill_after(fetch, draw.uniform(1, 8))
        found = locate.find_file(TINY_PUBLISHED)
        assert found is None or found.read_bytes() == PUBLISHED_FILE
        if found is not None:
            hub.delete_cached(TINY_PUBLISHED)
    collection.sweep(age=0)
    assert not [path for path in cached_files(tmp_path) if path.suffix == ".incomplete"]
    server.behaviour = "good"
    assert fetched().read_bytes() == PUBLISHED_FILE


def fetched() -> Path:
    """The file that a whole fetch ends with."""
    *_, last = hub.fetch(TINY_PUBLISHED)
    assert last.partial is not None
    return Path(last.partial)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny published preset is one of the table, so that its leftovers are swept."""
    monkeypatch.setitem(PRESETS, TINY_PUBLISHED.name, TINY_PUBLISHED)


def test_a_few_kills_while_adding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    kill_adding(tmp_path, A_FEW)


@pytest.mark.usefixtures("known")
def test_a_few_kills_while_fetching(server: Hub, tmp_path: Path) -> None:
    kill_fetching(server, tmp_path, A_FEW)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_many_kills_while_adding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    kill_adding(tmp_path, MANY)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("known")
def test_many_kills_while_fetching(server: Hub, tmp_path: Path) -> None:
    kill_fetching(server, tmp_path, MANY)


def test_bytes_that_no_check_has_seen_are_not_used(server: Hub) -> None:
    blob = fetched()
    blob.write_bytes(bytes(len(PUBLISHED_FILE)))  # as a kill before the check might leave them
    assert locate.location(TINY_PUBLISHED).kind == "missing"
    assert fetched().read_bytes() == PUBLISHED_FILE
    assert locate.location(TINY_PUBLISHED).kind == "fetched"
