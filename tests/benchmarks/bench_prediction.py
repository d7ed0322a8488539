"""Logits against timm eager float32, in pairs, in one process and each in its own: `python -m
pytest` this file -s."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import timm
import torch

from convmixer_viz.engine import allocator, runtime
from convmixer_viz.model import convmixer
from convmixer_viz.presets.table import PRESETS
from tests.conftest import loaded

TIMM = {
    "imagenet-768-32": "convmixer_768_32",
    "imagenet-1024-20": "convmixer_1024_20_ks9_p14",
    "imagenet-1536-20": "convmixer_1536_20",
}
MODES: tuple[runtime.Mode, ...] = ("exact", "fast")
PAIRS = int(os.environ.get("PAIRS", "7"))


def ratio(theirs: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Median of their seconds over ours, pair by pair, and the median of ours."""
    ratios, seconds = [], []
    for pair in range(PAIRS + 1):
        times = []
        for work in (theirs, ours):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        if pair:
            ratios.append(times[0] / times[1])
            seconds.append(times[1])
    return statistics.median(ratios), statistics.median(seconds)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", TIMM)
def test_one_picture_against_timm(name: str, mode: runtime.Mode) -> None:
    allocator.keep()
    preset = PRESETS[name]
    weights = convmixer.ConvMixer(preset.shape, preset.class_count)
    convmixer.initialise(weights, 0, norms="drawn")
    convmixer.calibrate(weights, 0, 224)
    peer = timm.create_model(TIMM[name]).eval()
    peer.load_state_dict(weights.state_dict())
    ours = loaded(preset, weights, mode)
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    placed = ours.place(pixels)
    with runtime.chunk("benchmark"), torch.no_grad():
        speedup, seconds = ratio(lambda: peer(pixels), lambda: ours.logits(placed))
        gap = (peer(pixels) - ours.logits(placed)).abs().max() / peer(pixels).abs().max()
    print(f"\n{name} {mode}: {speedup:.2f} times timm, {seconds:.3f} s, error {float(gap):.1e}")
    assert speedup > 0


OWN = """
import statistics, sys, time, timm, torch
from convmixer_viz.engine import allocator, runtime
from convmixer_viz.model import convmixer
from convmixer_viz.presets.table import PRESETS
from tests.conftest import loaded
who, name, peer = sys.argv[1:]
pixels = torch.randn(1, 3, 224, 224)
if who == "timm":
    work = timm.create_model(peer).eval()
else:
    allocator.keep()
    weights = convmixer.ConvMixer(PRESETS[name].shape, 1000)
    convmixer.initialise(weights, 0)
    ours = loaded(PRESETS[name], weights, who)
    work, pixels = ours.logits, ours.place(pixels)
seconds = []
with torch.no_grad():
    for _ in range(12):
        began = time.perf_counter()
        work(pixels)
        seconds.append(time.perf_counter() - began)
print(statistics.median(seconds[2:]))
"""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", TIMM)
def test_each_in_a_process_of_its_own(name: str) -> None:
    """As a script or a notebook meets it: glibc's allocator as it comes, but where ours tells it
    to keep what is freed."""

    def seconds(who: str) -> float:
        command = [sys.executable, "-c", OWN, who, name, TIMM[name]]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    rounds = [[seconds(who) for who in ("timm", "exact", "fast")] for _ in range(3)]
    theirs, *ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratios = ", ".join(f"{mode} {theirs / s:.2f}" for mode, s in zip(MODES, ours, strict=True))
    print(f"\n{name}, each alone: timm {theirs:.3f} s; {ratios} times as fast")
    assert min(ours) > 0
