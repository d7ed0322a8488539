"""What doesn't fit is refused before its first step, with a size that fits; fast mode shrinks."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from convmixer_viz import catalog
from convmixer_viz.contract import Analysis, option_fields
from convmixer_viz.engine import hardware, memory, runtime
from convmixer_viz.errors import DeviceError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated, loaded

SIZED = [
    row
    for row in catalog.ANALYSES.values()
    if "resolution" in {field.name for field in option_fields(row.options)}
]
every_sized = pytest.mark.parametrize("row", SIZED, ids=lambda row: row.name)


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with closing(Workbench("cpu")) as bench:
        known = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}
        bench.add("tiny", calibrated(TINY).state_dict(), **known)
        yield bench


def free(monkeypatch: pytest.MonkeyPatch, count: float) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda device: int(count))


@every_sized
def test_the_size_that_a_refusal_names_fits_and_the_next_does_not(
    monkeypatch: pytest.MonkeyPatch, row: Analysis[Any]
) -> None:
    model = loaded()
    work = memory.workload(model, 512, 1, row.options())
    free(monkeypatch, memory.estimate(row, work) / 3 / memory.SHARE)
    with pytest.raises(DeviceError, match=r"512×512 pixels needs about .* free: ") as caught:
        memory.fit(row, model, work)
    side = int(re.findall(r"choose resolution (\d+)", str(caught.value))[0])
    assert memory.fit(row, model, memory.workload(model, side, 1, row.options())) is model
    with pytest.raises(DeviceError):
        p = TINY.shape.patch_size
        memory.fit(row, model, memory.workload(model, side + p, 1, row.options()))


def test_the_number_of_pictures_that_a_refusal_names_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row, model = catalog.REPRESENTATION, loaded()
    work = memory.workload(model, 256, 500, row.options())
    free(monkeypatch, memory.estimate(row, work) / 2)
    with pytest.raises(DeviceError) as caught:
        memory.fit(row, model, work)
    count = int(re.findall(r"choose at most (\d+) pictures", str(caught.value))[0])
    assert memory.fit(row, model, replace(work, pictures=count)) is model
    with pytest.raises(DeviceError):
        memory.fit(row, model, replace(work, pictures=count + 1))


def test_where_no_size_fits_a_smaller_preset_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1000)
    row, model = catalog.PREDICTION, loaded()
    with pytest.raises(DeviceError, match=r"cpu has 0 MiB free: choose a smaller preset, or close"):
        memory.fit(row, model, memory.workload(model, 16, 1, row.options()))


def test_fast_mode_takes_fewer_pictures_a_call_and_records_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row, model = catalog.PREDICTION, loaded(mode="fast")
    work = memory.workload(model, 64, 8, row.options())
    assert work.batch_size == runtime.CPU_BATCH
    free(monkeypatch, memory.estimate(row, replace(work, batch_size=2)) / memory.SHARE + 1)
    smaller = memory.fit(row, model, work)
    assert smaller.batch_size(64) == 2 and smaller.halved == [4, 2]
    with pytest.raises(DeviceError):
        memory.fit(row, loaded(), work)


def test_a_request_is_refused_before_its_first_step(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 2**20)
    begun: list[int] = []
    monkeypatch.setattr("convmixer_viz.analyses.prediction.compute", lambda *given: begun.append(1))
    with pytest.raises(DeviceError, match="prediction of tiny at 512×512 pixels needs about"):
        bench.run(catalog.PREDICTION, ["gallery:cat"], preset="tiny", resolution=512)
    assert begun == []


def test_suspended_work_gives_way_to_what_would_be_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = catalog.RECEPTIVE_FIELD
    with closing(bench.steps(row, preset="tiny", noise=500)) as steps:
        next(steps)
    while bench.active:
        time.sleep(0.005)
    assert bench.suspended.jobs == 1
    monkeypatch.setattr(hardware, "free_memory", lambda device: 2**40 * (bench.suspended.jobs == 0))
    bench.predict("gallery:cat", "tiny")
    assert bench.suspended == (0, 0, 1)


def test_gelu_keeps_more_for_a_gradient_than_relu() -> None:
    shape = PRESETS["imagenet-1024-20"].shape
    work = memory.Workload(shape, 1000, 448, 1, 1, 4, None)
    relu = replace(work, shape=replace(shape, activation="relu"))
    assert 1.3 < work.backward(20) / relu.backward(20) < 1.5
