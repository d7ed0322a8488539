"""A hub that misbehaves on request, and what is in the cache afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import safetensors.torch
from huggingface_hub import constants, file_download

from convmixer_viz.weights import download, hub
from tests.conftest import calibrated
from tests.hub_server import Hub, serving
from tests.tiny_download import TINY_PUBLISHED

PUBLISHED_FILE = safetensors.torch.save(calibrated(TINY_PUBLISHED).state_dict())


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
    with serving(PUBLISHED_FILE) as running:
        address(monkeypatch, running.endpoint)
        yield running


def address(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Make an address that of the hub, in this process and in those it starts."""
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)


def whole_files(tmp_path: Path) -> list[Path]:
    """Every file of the hub's cache that is, or leads to, weights: none that a stop has left."""
    return [path for path in cached_files(tmp_path) if path.suffix != ".incomplete"]


def cached_files(tmp_path: Path) -> list[Path]:
    """Every file with bytes of weights in the hub's cache, whole or not."""
    inside = [p for p in (tmp_path / "hub").rglob("*") if "blobs" in p.parts and p.is_file()]
    return inside + [p for p in (tmp_path / "hub").rglob("*") if p.name == hub.WEIGHTS_FILE]
