"""Folders of a test's own, a weights file to add, and a hub that misbehaves on request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
import torch
from huggingface_hub import constants, file_download
from torch import Tensor

from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint, download, hub, locate, user_folder
from tests.conftest import TINY, calibrated
from tests.dialects import as_authors
from tests.hub_server import Hub, serving
from tests.tiny_download import TINY_PUBLISHED

MODULE = calibrated(TINY)
STATE = {name: tensor.clone() for name, tensor in MODULE.state_dict().items()}
PUBLISHED_FILE = safetensors.torch.save(calibrated(TINY_PUBLISHED).state_dict())


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder, a hub's cache and a package without shipped weights, of this test's own."""
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")
    monkeypatch.setattr(locate, "PACKAGE", tmp_path / "package")
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of torch.save with the tiny model, in the authors' names."""
    torch.save(as_authors(STATE), tmp_path / "My Model v2.pth")
    return tmp_path / "My Model v2.pth"


def ship(folder: Path, name: str, state: dict[str, Tensor] = STATE) -> Path:
    """Put weights where those that ship with the package are looked for."""
    path = folder / "pretrained" / f"{name}.safetensors"
    checkpoint.save(path, state, replace(PRESETS[name], shape=TINY.shape), None)
    return path


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


def cached_files(tmp_path: Path) -> list[Path]:
    """Every file with bytes of weights in the hub's cache, whole or not."""
    inside = [p for p in (tmp_path / "hub").rglob("*") if "blobs" in p.parts and p.is_file()]
    return inside + [p for p in (tmp_path / "hub").rglob("*") if p.name == hub.WEIGHTS_FILE]


def torch_file(folder: Path, content: Any, **options: Any) -> Path:
    """A file of torch.save."""
    torch.save(content, folder / "file.pth", **options)
    return folder / "file.pth"


def same(weights: checkpoint.Checkpoint, state: dict[str, Tensor] = STATE) -> bool:
    """Whether a checkpoint has exactly these tensors, bit for bit and in this order."""
    return list(weights.state) == list(state) and all(
        torch.equal(weights.state[name], tensor) for name, tensor in state.items()
    )


def changed(**tensors: Tensor | None) -> dict[str, Tensor]:
    """The state with tensors replaced (none: removed); '__' in a name stands for a dot."""
    state = dict(STATE)
    for name, tensor in tensors.items():
        name = name.replace("__", ".")
        state.pop(name, None)
        if tensor is not None:
            state[name] = tensor
    return state
