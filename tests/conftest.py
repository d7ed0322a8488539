"""What all tests share: a tiny seeded ConvMixer, and the folder of real data where there is one."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

# a thread that waits for another sleeps: on a busy machine, spinning takes several times the work's
# own processor time; read once, when torch is loaded, here and in every process that a test starts
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from convmixer_viz.contract import Step
from convmixer_viz.engine import runtime
from convmixer_viz.model import convmixer
from convmixer_viz.presets.table import PRESETS, Preset, Shape

R = TypeVar("R")

os.environ.setdefault("CONVMIXER_VIZ_CACHE", tempfile.mkdtemp())  # never the person's own
os.environ.setdefault("CONVMIXER_VIZ_STORE", "0")  # what is tested is computed

TINY = replace(
    PRESETS["cifar10-256-8"],
    name="tiny",
    shape=Shape(dim=12, depth=3, kernel_size=5, patch_size=2),
    transform=replace(PRESETS["cifar10-256-8"].transform, size=16),
    field_side=24,
)


TINY_OTHER = replace(TINY, name="tiny-other", shape=replace(TINY.shape, kernel_size=3))
TINY_IMAGENETTE = replace(TINY, name="tiny-imagenette", class_set="imagenette")


def calibrated(preset: Preset, seed: int = 0, side: int | None = None) -> convmixer.ConvMixer:
    """Random weights that see every channel (reference: γ of both signs, measured statistics)."""
    module = convmixer.ConvMixer(preset.shape, preset.class_count)
    convmixer.initialise(module, seed, norms="drawn")
    convmixer.calibrate(module, seed, side or preset.transform.size)
    return module.freeze()


def loaded(
    preset: Preset = TINY, module: convmixer.ConvMixer | None = None, mode: runtime.Mode = "exact"
) -> runtime.LoadedModel:
    """A model on the CPU with calibrated random weights, or the module given."""
    names = tuple(f"class {i}" for i in range(preset.class_count))
    module = module or calibrated(preset)
    return runtime.load(preset, module, class_names=names, sha256="0" * 64, device="cpu", mode=mode)


def final(steps: Iterable[Step[R]]) -> R:
    """The result of an analysis's last step."""
    *_, last = steps
    assert last.done == last.total and last.partial is not None
    return last.partial


def in_a_loop(coroutine: Coroutine[Any, Any, R]) -> R:
    """What a coroutine returns, run in a thread of its own: Playwright's loop may run in this."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@pytest.fixture
def tiny() -> runtime.LoadedModel:
    return loaded()


@pytest.fixture
def tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny presets in the table: they have no weights, so that a request says `random`."""
    for preset in (TINY, TINY_OTHER, TINY_IMAGENETTE):
        monkeypatch.setitem(PRESETS, preset.name, preset)


@pytest.fixture
def noise() -> torch.Tensor:
    """Sixteen pictures of N(0, 1), 16 × 16 pixels."""
    return torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def data() -> Path:
    """The folder of real pictures and checkpoints; tests that need it skip without."""
    folder = os.environ.get("CONVMIXER_VIZ_DATA")
    if not folder:
        pytest.skip("CONVMIXER_VIZ_DATA names no folder of real data")
    return Path(folder)
