"""Fetching in a process of its own: reported, shared, stopped and gone on with; what is used is
the good file or nothing."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights import checkpoint, download, hub
from tests.hub_server import Hub
from tests.integration.weights.conftest import PUBLISHED_FILE, whole_files
from tests.tiny_download import TINY_PUBLISHED


def test_the_process_reports_every_byte_and_two_at_once_agree(server: Hub, tmp_path: Path) -> None:
    server.behaviour = "slow"
    ends: list[Any] = []

    def one() -> None:
        *_, last = hub.fetch(TINY_PUBLISHED)
        ends.append(last)

    other = threading.Thread(target=one)
    other.start()
    steps = list(hub.fetch(TINY_PUBLISHED))
    other.join()
    assert steps[-1].partial == ends[0].partial
    assert steps[-1].partial.read_bytes() == PUBLISHED_FILE and len(server.ranges) == 1
    assert (steps[-1].done, steps[-1].total) == (len(PUBLISHED_FILE), len(PUBLISHED_FILE))
    assert checkpoint.read_as(steps[-1].partial, TINY_PUBLISHED).class_count == 10


def test_what_was_stopped_is_gone_on_with(server: Hub, tmp_path: Path) -> None:
    server.behaviour = "slow"
    with closing(hub.fetch(TINY_PUBLISHED)) as steps:
        assert any(0 < step.done < step.total for step in steps)
    begun = hub.begun_bytes(TINY_PUBLISHED)
    assert whole_files(tmp_path) == [] and 0 < begun < len(PUBLISHED_FILE)
    server.behaviour = "good"
    *_, last = hub.fetch(TINY_PUBLISHED)
    assert last.partial and last.partial.read_bytes() == PUBLISHED_FILE
    assert server.ranges == ["", f"bytes={begun}-"] and hub.begun_bytes(TINY_PUBLISHED) == 0


def test_a_stall_is_given_up(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.behaviour = "stalls"
    monkeypatch.setattr(hub, "STALL_SECONDS", 2.0)
    with pytest.raises(WeightsError, match="Nothing has come for 2 seconds"):
        list(hub.fetch(TINY_PUBLISHED))
    assert whole_files(tmp_path) == []


def test_a_process_that_dies_is_reported(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 0)  # download.py sets it: restore it
    monkeypatch.setattr(download, "CHUNK", 1000)
    monkeypatch.setattr(hub, "DOWNLOAD_MODULE", "tests.no_such_module")
    with pytest.raises(WeightsError, match=r"ended without a word \(.*No module named"):
        list(hub.fetch(TINY_PUBLISHED))
