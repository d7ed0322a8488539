"""The history that ships beside a preset's weights: stem and depthwise kernels at some epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import load_file

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import locate


def find(preset: Preset) -> Path | None:
    """The file, if the preset ships one."""
    file = locate.find_file(preset)
    history = file and file.with_name(f"{preset.name}.history.safetensors")
    return history if history and history.exists() else None


def read(preset: Preset) -> dict[str, NDArray[Any]]:
    """Float16: stem (epochs, dim, 3, p, p) and depthwise (epochs, depth, dim, k, k); epochs."""
    file = find(preset)
    if file is None:
        raise WeightsError(
            f"{preset.name} has no history of its training: choose a preset that ships one."
        )
    return load_file(file)
