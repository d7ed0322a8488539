"""Downloading from a hub that misbehaves: a clear sentence each, and the cache has the good file or
nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
from huggingface_hub import constants, file_download

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights import download, locate
from tests.conftest import TINY, calibrated
from tests.hub_server import Hub
from tests.integration.weights.conftest import PUBLISHED_FILE, address, cached_files, whole_files
from tests.tiny_download import TINY_PUBLISHED

OTHER = safetensors.torch.save(calibrated(TINY).state_dict())


def download_tiny(report: download.Report = lambda done, total: None) -> Path:
    return download.download(TINY_PUBLISHED, report)


def test_a_good_file_arrives_with_progress_and_is_kept(server: Hub, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    path = download_tiny(lambda done, total: reports.append((done, total)))
    assert path.read_bytes() == PUBLISHED_FILE
    assert reports[-1] == (len(PUBLISHED_FILE), len(PUBLISHED_FILE)) and reports == sorted(reports)
    assert locate.location(TINY_PUBLISHED).kind == "fetched"
    assert locate.require_file(TINY_PUBLISHED) == path
    requests = len(server.ranges)
    server.behaviour = "404"
    assert download_tiny() == path and len(server.ranges) == requests  # no network needed any more


def test_a_cut_connection_is_resumed(server: Hub) -> None:
    server.behaviour = "cut once"
    assert download_tiny().read_bytes() == PUBLISHED_FILE
    first, second = server.ranges
    assert first == "" and 0 < int(second.strip("bytes=-")) <= len(PUBLISHED_FILE) // 2


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
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
def test_misbehaviour_is_one_sentence_and_leaves_no_weights(
    server: Hub, tmp_path: Path, behaviour: str, sentence: str
) -> None:
    server.behaviour = behaviour
    with pytest.raises(WeightsError, match=sentence) as caught:
        download_tiny()
    error = str(caught.value)
    assert "models add FILE --as tiny-published" in error and "\n" not in error
    assert whole_files(tmp_path) == [] and locate.find_file(TINY_PUBLISHED) is None
    server.behaviour = "good"
    assert download_tiny().read_bytes() == PUBLISHED_FILE


def test_only_bytes_that_may_be_right_are_gone_on_from(server: Hub, tmp_path: Path) -> None:
    for behaviour, halves in (("a page instead", 0), ("stalls", 1)):
        server.behaviour = behaviour
        with pytest.raises(WeightsError):
            download_tiny()
        assert len(cached_files(tmp_path)) == halves
    server.ranges.clear()
    server.behaviour = "good"
    assert download_tiny().read_bytes() == PUBLISHED_FILE
    assert server.ranges == [f"bytes={len(PUBLISHED_FILE) // 2 // 1000 * 1000}-"]
    assert len(cached_files(tmp_path)) == 2  # blob and pointer


def test_another_model_under_the_right_name_is_thrown_away(server: Hub, tmp_path: Path) -> None:
    server.content = OTHER
    with pytest.raises(WeightsError, match=r"thrown away .*don't fit tiny-published"):
        download_tiny()
    assert cached_files(tmp_path) == []


def test_a_damaged_file_in_the_cache_is_replaced(server: Hub) -> None:
    path = download_tiny()
    damaged = bytearray(PUBLISHED_FILE)
    damaged[-1] ^= 1  # still a sound model, but not the hub's
    path.write_bytes(bytes(damaged))
    assert download_tiny().read_bytes() == PUBLISHED_FILE


def test_no_network(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address(monkeypatch, "http://127.0.0.1:1")
    with pytest.raises(WeightsError, match="can't be reached: check the network"):
        download_tiny()
    assert cached_files(tmp_path) == []


def test_offline_switch(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        download_tiny()
    assert server.ranges == []


def test_full_disk(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(WeightsError, match=r"disk is full: free space .*HF_HUB_CACHE"):
        download_tiny()
    assert cached_files(tmp_path) == []
