"""Attribution against captum's default call on timm's model, in one process, in pairs:
`python -m pytest` this file -s. STEPS and WINDOWS in the environment shorten it: captum's call
holds all steps at once (30 GiB for 50 steps of 768/32); PAIRS as in bench_prediction. Both sides
have the memory that ours keeps; in a process of its own captum's pays page faults besides."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any, cast

import captum.attr
import pytest
import timm
import torch
from torch import Tensor

from convmixer_viz.analyses.attribution.maps import ask, plan
from convmixer_viz.engine import allocator, runtime
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model import convmixer
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.attribution import Options
from tests.benchmarks.bench_prediction import MODES, TIMM, ratio
from tests.conftest import loaded

STEPS = int(os.environ.get("STEPS", "50"))
WINDOWS = int(os.environ.get("WINDOWS", "5"))  # a side, of the occlusion that is timed
NAMES = ("imagenet-768-32", "imagenet-1024-20")

pytestmark = [pytest.mark.timeout(3600), pytest.mark.filterwarnings("ignore::UserWarning:captum")]
both = pytest.mark.parametrize("mode", MODES)
each = pytest.mark.parametrize("name", NAMES)


def sides(name: str, mode: runtime.Mode) -> tuple[torch.nn.Module, LoadedModel, Tensor]:
    """timm's model and ours with the same calibrated random weights, and a picture."""
    allocator.keep()
    preset = PRESETS[name]
    weights = convmixer.ConvMixer(preset.shape, preset.class_count)
    convmixer.initialise(weights, 0, norms="drawn")
    convmixer.calibrate(weights, 0, 224)
    peer = timm.create_model(TIMM[name]).eval()
    peer.load_state_dict(weights.state_dict())
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return peer, loaded(preset, weights, mode), pixels


def run(ours: LoadedModel, pixels: Tensor, count: int | None = None, **choices: Any) -> None:
    """A method's whole plan, or as many chunks of it as hold `count` predictions."""
    options = Options(target="3", **choices)
    with runtime.chunk("benchmark"):
        work = plan(ask(ours, ours.place(pixels), options))
        chunks = None if count is None else -(-count // ours.batch_size(224))
        for _ in islice(work.maps, chunks):
            pass


def tell(what: str, theirs: Callable[[], object], ours: Callable[[], object]) -> None:
    speedup, seconds = ratio(theirs, ours)
    print(f"\n{what}: {speedup:.2f} times captum's default call, {seconds:.2f} s")
    assert speedup > 0


@both
@each
def test_integrated_gradients(name: str, mode: runtime.Mode) -> None:
    peer, ours, x = sides(name, mode)
    call = captum.attr.IntegratedGradients(peer)
    tell(
        f"Integrated Gradients, {STEPS} steps, {name} {mode}",
        lambda: call.attribute(x, target=3, n_steps=STEPS),
        lambda: run(ours, x, method="integrated-gradients", steps=STEPS),
    )


@both
@each
def test_smoothgrad(name: str, mode: runtime.Mode) -> None:
    peer, ours, x = sides(name, mode)
    call = captum.attr.NoiseTunnel(captum.attr.Saliency(peer))
    tell(
        f"SmoothGrad, {STEPS} samples, {name} {mode}",
        lambda: call.attribute(x.clone(), target=3, nt_samples=STEPS, abs=False),
        lambda: run(ours, x, method="smoothgrad", samples=STEPS),
    )


@both
@each
def test_occlusion(name: str, mode: runtime.Mode) -> None:
    """A coarse grid of windows for captum, as many predictions for us."""
    peer, ours, x = sides(name, mode)
    window, count = (3, -(-224 // WINDOWS), -(-224 // WINDOWS)), WINDOWS**2 + 1
    call = captum.attr.Occlusion(peer)
    tell(
        f"Occlusion, {count} predictions, {name} {mode}",
        lambda: call.attribute(x, window, strides=window, target=3),
        lambda: run(ours, x, count, method="occlusion"),
    )


@both
@each
def test_grad_cam_at_the_last_block(name: str, mode: runtime.Mode) -> None:
    peer, ours, x = sides(name, mode)
    call = captum.attr.LayerGradCam(peer, list(cast(torch.nn.Sequential, peer.blocks))[-1])
    tell(
        f"Grad-CAM, {name} {mode}",
        lambda: call.attribute(x.clone(), target=3),
        lambda: run(ours, x, method="grad-cam"),
    )


def test_memory_of_integrated_gradients_is_bounded() -> None:
    """Peak of 1536/20 above the loaded model, for 2 and for 6 steps, each in a fresh process."""
    peaks = [_peak(steps) for steps in (2, 6)]
    print(f"\nIntegrated Gradients of 1536/20: {peaks} MiB above the model for 2 and 6 steps")
    assert max(peaks) < 2560
    assert abs(peaks[1] - peaks[0]) < 256


def _peak(steps: int) -> int:
    process = subprocess.run(
        [sys.executable, "-c", PEAK, str(steps)], capture_output=True, text=True, check=True
    )
    return int(process.stdout.split()[-1])


PEAK = """
import resource, sys, torch
from convmixer_viz.model import convmixer
from convmixer_viz.presets.table import PRESETS
from tests.benchmarks.bench_attribution import run
from tests.conftest import loaded
preset = PRESETS["imagenet-1536-20"]
weights = convmixer.ConvMixer(preset.shape, 1000)
convmixer.initialise(weights, 0)
ours = loaded(preset, weights)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
run(ours, torch.randn(1, 3, 224, 224), method="integrated-gradients", steps=int(sys.argv[1]))
print(peak() - before)
"""
