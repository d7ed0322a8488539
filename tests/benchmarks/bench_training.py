"""Training 256/8 k5 p2 on a CPU against the plain script: float32, the allocator and the memory
layout as they come, no compiler. Both in one process, in turns.

    python -m pytest tests/benchmarks/bench_training.py -s
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch
from torch.nn import functional as F

from convmixer_viz.engine import allocator, hardware
from convmixer_viz.model.convmixer import ConvMixer, initialise
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.training import data, loop, run
from convmixer_viz.training.data import LabelledPictures
from convmixer_viz.training.recipes import RECIPES

NAME, BATCH, ROUNDS = "cifar10-256-8", 128, 7
AS_THEY_COME = ((-4, 65536), (-1, 128 * 1024), (-8, 0))  # glibc's defaults: see memory.py
Step = Callable[[], object]


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random pictures instead of a folder."""
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (4 * BATCH, 3, 32, 32), dtype=torch.uint8, generator=draw)
    pictures = LabelledPictures(pixels, torch.arange(4 * BATCH) % 10, tuple(map(str, range(10))))
    monkeypatch.setattr(data, "load", lambda *_: pictures)


def ours(folder: Path) -> Step:
    """A step as `train` makes it, augmentation included."""
    training = run.start(replace(RECIPES[NAME], epochs=100), folder, folder, "cpu")
    batch = torch.arange(BATCH)
    return lambda: loop._step(training, batch, 1)


def plain() -> Step:
    """A step of the script that anybody would write, its pictures prepared beforehand."""
    model = ConvMixer(PRESETS[NAME].shape, 10)
    initialise(model, 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    pictures, labels = torch.randn(BATCH, 3, 32, 32), torch.arange(BATCH) % 10

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model.train()(pictures), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def timed(step: Step) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def with_default_memory(step: Step) -> float:
    """Seconds of a step with glibc's allocator as it comes, put back afterwards."""
    mallopt = ctypes.CDLL(None).mallopt
    assert all(mallopt(name, value) for name, value in AS_THEY_COME)
    seconds = timed(step)
    allocator.keep(everything=True)
    return seconds


def test_training_throughput(noise: None, tmp_path: Path) -> None:
    """At least 3 times the plain script with native bfloat16, 1.3 times without."""
    fast, slow = ours(tmp_path), plain()
    for step in (fast, fast, slow):
        step()
    pairs = [(with_default_memory(slow), timed(fast)) for _ in range(ROUNDS)]
    ratios = [theirs / mine for theirs, mine in pairs]
    rates = [BATCH / median(seconds) for seconds in zip(*pairs, strict=True)]
    print(f"\nplain {rates[0]:.0f}, ours {rates[1]:.0f} images/s; ratio {median(ratios):.2f}")
    print(f"({min(ratios):.2f} … {max(ratios):.2f}); {torch.get_num_threads()} threads")
    assert median(ratios) > (3.0 if hardware.native_bf16() else 1.3)
