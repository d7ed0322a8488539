"""Folders of a test's own, and a weights file to add."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint, hub, locate, user_folder, verification, worker
from tests.conftest import TINY, calibrated
from tests.dialects import as_authors

MODULE = calibrated(TINY)
STATE = {name: tensor.clone() for name, tensor in MODULE.state_dict().items()}


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder, a hub's cache and a package without shipped weights, of this test's own."""
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")
    monkeypatch.setattr(locate, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(worker, "verify", verification.verify)  # without its process
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
