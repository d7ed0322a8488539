"""Logits against timm eager float32, in one process, in pairs: `python -m pytest` this file -s."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import timm
import torch

from convmixer_viz import model, runtime
from convmixer_viz.presets import PRESETS
from tests.conftest import loaded

TIMM = {
    "imagenet-768-32": "convmixer_768_32",
    "imagenet-1024-20": "convmixer_1024_20_ks9_p14",
    "imagenet-1536-20": "convmixer_1536_20",
}
PAIRS = 7


def ratio(theirs: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Median of their seconds over ours, pair by pair, and the median of ours."""
    found, seconds = [], []
    for pair in range(PAIRS + 1):
        times = []
        for work in (theirs, ours):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        if pair:
            found.append(times[0] / times[1])
            seconds.append(times[1])
    return statistics.median(found), statistics.median(seconds)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("name", TIMM)
def test_one_picture_against_timm(name: str, mode: runtime.Mode) -> None:
    preset = PRESETS[name]
    weights = model.ConvMixer(preset.shape, preset.class_count)
    model.initialise(weights, 0, norms="drawn")
    model.calibrate(weights, 0, 224)
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
