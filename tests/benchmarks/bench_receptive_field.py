"""All blocks' fields of one picture against RepLKNet's procedure run once per block, in pairs.

python -m pytest tests/benchmarks/bench_receptive_field.py -s
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
import psutil
import pytest
import torch
from numpy.typing import NDArray

from convmixer_viz.analyses.receptive_field.fields import compute
from convmixer_viz.engine import allocator, runtime
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.prepare import PreparedPicture, prepare
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.questions.receptive_field import Options, ReceptiveField
from tests.conftest import calibrated, final, loaded

PAIRS = 2
T = TypeVar("T")


def procedure(
    model: runtime.LoadedModel, image: PreparedPicture, block: int, *, hook: bool = False
) -> NDArray[np.float32]:
    """Forward to the block (with a hook on it: through the whole network), autograd back: NCHW,
    gradients off elsewhere."""
    pixels = torch.from_numpy(image.array)[None].requires_grad_()
    states = list(islice(model.module.states(pixels), None if hook else block + 1))
    output = states[block]
    middle = output.shape[-1] // 2
    point = torch.relu(output[:, :, middle, middle]).sum()
    (gradient,) = torch.autograd.grad(point, pixels)
    return torch.relu(gradient).sum((0, 1)).numpy()


def ours(model: runtime.LoadedModel, image: PreparedPicture, *blocks: int) -> ReceptiveField:
    options = Options(scalar="relu", reduction="relu", blocks=blocks)
    with runtime.chunk("receptive-field"):
        return final(compute(model, [image], options))


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds by the clock: two threads that wait for each other count once."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def models(preset: Preset) -> tuple[runtime.LoadedModel, ...]:
    module = calibrated(preset, seed=1)
    plain = copy.deepcopy(module).to(memory_format=torch.contiguous_format)
    peer = loaded(preset, plain)
    peer.module.to(memory_format=torch.contiguous_format)
    return peer, loaded(preset, copy.deepcopy(module)), loaded(preset, module, mode="fast")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["imagenet-768-32", "imagenet-1024-20"])
def test_all_blocks_and_one(name: str) -> None:
    allocator.keep()
    preset = PRESETS[name]
    image = prepare(load("gallery:cat"), preset.transform)
    peer, exact, fast = models(preset)
    depth = preset.shape.depth
    for model in (exact, fast):
        ours(model, image)
    ratios: dict[str, list[float]] = {"exact": [], "fast": [], "one block, exact": []}
    for _ in range(PAIRS):
        slow, fields = timed(lambda: [procedure(peer, image, b) for b in range(depth + 1)])
        for kind, model in (("exact", exact), ("fast", fast)):
            seconds, result = timed(partial(ours, model, image))
            ratios[kind].append(slow / seconds)
            alike = min(map(correlation, result.pixels, fields))
            print(f"{name} {kind}: {seconds:.2f} s of {slow:.2f} s, correlation ≥ {alike:.6f}")
        whole, _ = timed(lambda: [procedure(peer, image, b, hook=True) for b in range(depth + 1)])
        print(f"{name}: with a hook the procedure takes {whole / slow:.2f} times as long")
        single, _ = timed(lambda: procedure(peer, image, depth))
        ratios["one block, exact"].append(single / timed(lambda: ours(exact, image, depth))[0])
    for kind, values in ratios.items():
        print(f"{name} {kind}: {statistics.median(values):.2f} times ({values})")
    assert all(values for values in ratios.values())


def test_memory_of_the_largest() -> None:
    preset = PRESETS["imagenet-1536-20"]
    model = loaded(preset, calibrated(preset, side=56))
    image, peak = prepare(load("gallery:cat"), preset.transform), 0
    before = psutil.Process().memory_info().rss
    with runtime.chunk("receptive-field"):
        for _ in compute(model, [image], Options()):
            peak = max(peak, psutil.Process().memory_info().rss)
    print(f"1536/20 at 224 px: {(peak - before) / 2**20:.0f} MiB above the loaded model")
    assert peak - before < 1.3 * 2**30
