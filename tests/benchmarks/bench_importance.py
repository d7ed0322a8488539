"""Importance of all kernels of 128/8 k5 against the whole model run once for each kernel, in one
process, in turns; and the seconds that 256 pictures take.

CONVMIXER_VIZ_DATA=… python -m pytest tests/benchmarks/bench_importance.py -s
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz import IMPORTANCE, Workbench
from convmixer_viz.analyses.importance import compute
from convmixer_viz.engine import allocator, runtime
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.questions.importance import Options
from tests.conftest import final

NAME, ROUNDS, PICTURES = "cifar10-128-8-k5", 3, 256


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    with runtime.chunk("importance"):
        work()
    return time.perf_counter() - began


def whole_model(model: runtime.LoadedModel, pixels: Tensor) -> NDArray[np.float32]:
    """The logits without each kernel, (kernels, n, classes): two numbers are set, the model is
    run, and the numbers are put back."""
    model = replace(model, module=copy.deepcopy(model.module))
    logits = []
    for block in model.module.walk():
        norm = block.depthwise_norm
        for channel in range(norm.num_features):
            kept = norm.weight[channel].item(), norm.bias[channel].item()
            norm.weight[channel] = norm.bias[channel] = 0.0
            logits.append(model.logits(pixels).numpy())
            norm.weight[channel], norm.bias[channel] = kept
    return np.stack(logits)


@pytest.fixture
def bench(data: Path) -> Iterator[Workbench]:
    allocator.keep()
    torch.set_num_threads(2)
    with closing(Workbench("cpu", data={"cifar10": data / "cifar10"})) as bench:
        yield bench


@pytest.mark.timeout(1800)
def test_all_kernels_in_pairs(bench: Workbench) -> None:
    model = bench.model(NAME)
    drawn = bench.pictures("cifar10/test", model.batch_size(32))
    images = [prepare(picture, model.preset.transform) for picture in drawn]
    pixels, ratios = model.tensor(images), []
    for _ in range(ROUNDS):
        slow = seconds(lambda: whole_model(model, pixels))
        ours = seconds(lambda: final(compute(model, images, Options())))
        ratios.append(slow / ours)
        print(f"{NAME}: {ours:.2f} s of {slow:.2f} s, {slow / ours:.2f} times as fast")
    print(f"{NAME}: {statistics.median(ratios):.2f} times ({ratios})")
    assert ratios


@pytest.mark.timeout(1800)
def test_seconds_of_256_pictures(bench: Workbench) -> None:
    drawn = bench.pictures("cifar10/test", PICTURES)
    began = time.process_time()
    took = seconds(lambda: bench.run(IMPORTANCE, drawn, preset=NAME))
    processor = time.process_time() - began  # of both threads: neighbours don't change it much
    print(
        f"{NAME}: {PICTURES} pictures in {took:.0f} s on 2 threads, {processor:.0f} s of processor"
    )
    assert took > 0
