"""The atlas of 1536/20 against a loop over kernels, in one process, in turns; and what it holds.

python -m pytest tests/benchmarks/bench_kernels.py -s
"""

from __future__ import annotations

import time
import tracemalloc
from statistics import median
from typing import Any

import numpy as np
import pytest

from convmixer_viz.analyses.kernels.atlas import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.kernels import atlas as figures
from convmixer_viz.model import convmixer
from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.kernels import KernelAtlas, Options
from tests.conftest import final, loaded

NAME, ROUNDS, SAMPLE = "imagenet-1536-20", 5, 300


@pytest.fixture(scope="module")
def large() -> LoadedModel:
    preset = PRESETS[NAME]
    module = convmixer.ConvMixer(preset.shape, preset.class_count)
    convmixer.initialise(module, 0)
    return loaded(preset, module.freeze())


def ours(large: LoadedModel) -> KernelAtlas:
    return final(compute(large, (), Options()))


def loop(sample: np.ndarray[Any, Any]) -> None:
    """One kernel at a time, as a notebook does it: spectrum, singular values, best template."""
    families = [family.span for family in templates.bank(9)]
    for kernel in sample:
        power = np.abs(np.fft.fft2(kernel, (33, 33))) ** 2
        singular = np.linalg.svd(kernel, compute_uv=False)
        unit = kernel.ravel() - kernel.mean()
        unit /= np.linalg.norm(unit)
        best = [((span @ unit) ** 2).sum(1).max() for span in families]
        assert power.max() > 0 < singular[0] and max(best) <= 1.001


def seconds(work: Any) -> float:
    """Of the processor, all threads together: neighbours on the machine don't change them."""
    began = time.process_time()
    work()
    return time.process_time() - began


def test_the_whole_atlas(large: LoadedModel) -> None:
    atlas = ours(large)  # the bank and its threshold are computed here, once a process
    sample = atlas.weights[0, :SAMPLE].astype(np.float64)
    share = atlas.energy.size / SAMPLE
    times = [
        (seconds(lambda: loop(sample)) * share, seconds(lambda: ours(large))) for _ in range(ROUNDS)
    ]
    ratio = median(theirs / mine for theirs, mine in times)
    tracemalloc.start()
    ours(large)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(
        f"\n{atlas.energy.size} kernels: {median(mine for _, mine in times):.2f} s, "
        f"{ratio:.1f} times a loop over kernels, holds {atlas.nbytes / 1e6:.0f} MB, "
        f"peak {peak:.0f} MB"
    )
    assert ratio > 0


def test_switching_the_block(large: LoadedModel) -> None:
    atlas = ours(large)

    def switch() -> None:
        channels = figures.sorted_channels(atlas, 7, "parity")
        figures.grid(atlas, 7, channels, limit=None, form="raw")
        figures.strip(atlas)
        figures.table(atlas, 7)

    took = median(seconds(switch) for _ in range(ROUNDS))
    print(f"\na block's pictures, words and table: {1000 * took:.0f} ms")
    assert took > 0
