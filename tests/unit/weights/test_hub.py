"""Fetching from a hub that misbehaves: a clear sentence each, and the cache holds the good file
or nothing."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
from huggingface_hub import constants, file_download

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.weights import checkpoint, collection, download, hub, locate
from tests.conftest import TINY, calibrated
from tests.hub_server import Hub, serving
from tests.tiny_download import TINY_PUBLISHED

STATE = calibrated(TINY_PUBLISHED).state_dict()
CONTENT = safetensors.torch.save(STATE)
OTHER = safetensors.torch.save(calibrated(TINY).state_dict())


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in, and a hub's cache of its own, for this process and for those it starts."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    impatient = SimpleNamespace(**vars(time) | {"sleep": lambda _: None})
    monkeypatch.setattr(file_download, "time", impatient)  # only the client's, only here
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 0)  # download.py sets it: restore it
    monkeypatch.setattr(download, "CHUNK", 1000)
    monkeypatch.setattr(hub, "DOWNLOAD_MODULE", "tests.tiny_download")
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path / "own"))
    with serving(CONTENT) as running:
        address(monkeypatch, running.endpoint)
        yield running


def address(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)


def held(tmp_path: Path) -> list[Path]:
    """Every file with bytes of weights in the hub's cache, whole or not."""
    inside = [p for p in (tmp_path / "hub").rglob("*") if "blobs" in p.parts and p.is_file()]
    return inside + [p for p in (tmp_path / "hub").rglob("*") if p.name == hub.WEIGHTS_FILE]


def fetched(report: Any = lambda done, total: None) -> Path:
    return download.download(TINY_PUBLISHED, report)


def test_a_good_file_arrives_with_progress_and_is_kept(server: Hub, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetched(lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)
    assert locate.location(TINY_PUBLISHED).kind == "fetched"
    assert locate.require_file(TINY_PUBLISHED) == path
    asked = len(server.ranges)
    server.mood = "404"
    assert fetched() == path and len(server.ranges) == asked  # no network needed any more


def test_a_cut_connection_is_resumed(server: Hub) -> None:
    server.mood = "cut once"
    assert fetched().read_bytes() == CONTENT
    first, second = server.ranges
    assert first == "" and 0 < int(second.strip("bytes=-")) <= len(CONTENT) // 2


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("always cut", "breaks off again and again"),
        ("a page instead", "wrong size, cut off or a page instead"),
        ("a login page everywhere", "not as the hub does, so a proxy or a login page"),
        ("wrong content", "is not its weights and was thrown away"),
        ("404", r"has no such file \(404\)"),
        ("500", "answers with an error"),
        ("stalls", "stalls: try again later"),
    ],
)
def test_misbehaviour_is_one_sentence_and_leaves_nothing(
    server: Hub, tmp_path: Path, mood: str, words: str
) -> None:
    server.mood = mood
    with pytest.raises(WeightsError, match=words) as caught:
        fetched()
    sentence = str(caught.value)
    assert "models add FILE --as tiny-published" in sentence and "\n" not in sentence
    assert held(tmp_path) == [] and locate.find_file(TINY_PUBLISHED) is None
    server.mood = "good"
    assert fetched().read_bytes() == CONTENT


def test_another_model_under_the_right_name_is_thrown_away(server: Hub, tmp_path: Path) -> None:
    server.content = OTHER
    with pytest.raises(WeightsError, match=r"thrown away .*don't fit tiny-published"):
        fetched()
    assert held(tmp_path) == []


def test_a_damaged_file_in_the_cache_is_replaced(server: Hub) -> None:
    path = fetched()
    damaged = bytearray(CONTENT)
    damaged[-1] ^= 1  # still a sound model, but not the hub's
    path.write_bytes(bytes(damaged))
    assert fetched().read_bytes() == CONTENT


def test_no_network(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address(monkeypatch, "http://127.0.0.1:1")
    with pytest.raises(WeightsError, match="can't be reached: check the network"):
        fetched()
    assert held(tmp_path) == []


def test_offline_switch(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        fetched()
    assert server.ranges == []


def test_full_disk(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(WeightsError, match=r"disk is full: free space .*HF_HUB_CACHE"):
        fetched()
    assert held(tmp_path) == []


def test_only_published_presets_are_fetched() -> None:
    with pytest.raises(ChoiceError, match="nothing to fetch"):
        collection.fetch("cifar10-256-8")
    with pytest.raises(ChoiceError, match="no preset 'none'"):
        collection.fetch("none")


def test_the_process_reports_every_byte_and_two_at_once_agree(server: Hub, tmp_path: Path) -> None:
    server.mood = "slow"
    ends: list[Any] = []

    def one() -> None:
        *_, last = hub.fetch(TINY_PUBLISHED)
        ends.append(last)

    other = threading.Thread(target=one)
    other.start()
    steps = list(hub.fetch(TINY_PUBLISHED))
    other.join()
    assert steps[-1].partial == ends[0].partial
    assert steps[-1].partial.read_bytes() == CONTENT and len(server.ranges) == 1
    assert (steps[-1].done, steps[-1].total) == (len(CONTENT), len(CONTENT))
    assert checkpoint.read_as(steps[-1].partial, TINY_PUBLISHED).class_count == 10


def test_cancelling_ends_the_process_and_leaves_nothing(server: Hub, tmp_path: Path) -> None:
    server.mood = "slow"
    with closing(hub.fetch(TINY_PUBLISHED)) as steps:
        assert any(0 < step.done < step.total for step in steps)
    assert held(tmp_path) == []


def test_a_stall_is_given_up(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.mood = "stalls"
    monkeypatch.setattr(hub, "STALL_SECONDS", 2.0)
    with pytest.raises(WeightsError, match="Nothing has come for 2 seconds"):
        list(hub.fetch(TINY_PUBLISHED))
    assert held(tmp_path) == []


def test_a_process_that_dies_is_said(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 0)  # download.py sets it: restore it
    monkeypatch.setattr(download, "CHUNK", 1000)
    monkeypatch.setattr(hub, "DOWNLOAD_MODULE", "tests.no_such_module")
    with pytest.raises(WeightsError, match=r"ended without a word \(.*No module named"):
        list(hub.fetch(TINY_PUBLISHED))
