"""Writes a run's files, each whole or not at all, so that the last good file stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from convmixer_viz import disk
from convmixer_viz.errors import DataError
from convmixer_viz.presets import classes
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import checkpoint

IMAGENETTE_FOLDERS = (
    "n01440764", "n02102040", "n02979186", "n03000684", "n03028079", "n03394916", "n03417042",
    "n03425413", "n03445777", "n03888257",
)  # fmt: skip


def write(path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a file beside `path`, then put it in place in one step."""
    try:
        disk.write({path.name: writer}, path.parent)
    except (OSError, RuntimeError) as error:  # torch's zip writer wraps a full disk
        raise DataError(
            f"{path} can't be written ({error}): make room or choose another folder; "
            "the last good files are still there, and --resume goes on from them."
        ) from error


def make_folder(path: Path) -> None:
    """Create an output folder and make sure that it can be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DataError(f"{path} can't be written to ({error}): choose another folder.") from error


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file without a header record."""
    save_file(tensors, path)


def save_weights(path: Path, model: nn.Module, preset: Preset, folders: tuple[str, ...]) -> None:
    """The weights as they ship: float16, with the preset and the classes in the header."""
    names = classes.names("imagenette") if folders == IMAGENETTE_FOLDERS else folders
    state = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    write(path, lambda part: checkpoint.save(part, state, preset, names))


def read_state(path: Path) -> dict[str, Any]:
    """A run's state as it was saved; nothing in the file can run."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        raise DataError(f"{path} is no training state: remove it and start anew.") from error
    return state  # type: ignore[no-any-return]
