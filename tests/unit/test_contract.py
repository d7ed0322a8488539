"""What holds for every analysis, whatever it computes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convmixer_viz import catalog
from convmixer_viz.contract import Analysis, option_fields
from convmixer_viz.engine import memory
from convmixer_viz.export import files
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated, loaded

CHEAP: dict[str, dict[str, Any]] = {  # options that keep slow analyses small here
    "attribution": {"steps": 8},
    "faithfulness": {"method": "input-x-gradient", "steps": 8},
}
WITHOUT_FILE = {"formation"}  # needs the history that ships beside a preset
TABLES_ONLY = {"structure", "cost"}  # their curves and numbers have no still picture

TABLE = [row for row in catalog.ANALYSES.values() if row.name not in WITHOUT_FILE]
every_analysis = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
every_repeatable = pytest.mark.parametrize(
    "row", [row for row in TABLE if not row.measured], ids=lambda row: row.name
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    bench = Workbench("cpu")
    known = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}
    bench.add("tiny", calibrated(TINY).state_dict(), **known)
    yield bench
    bench.close()


def pictures(row: Analysis[Any]) -> list[str]:
    many = [f"gallery:{name}" for name in ("cat", "coffee", "rocket", "chirp")]
    names = {"none": [], "one": many[:1], "many": many}
    return names[row.images]


def result_of(bench: Workbench, row: Analysis[Any], **more: Any) -> Any:
    small = {"resolution": 16} if hasattr(row.options, "resolution") else {}
    options = small | CHEAP.get(row.name, {}) | more
    return bench.run(row.name, pictures(row), preset="tiny", **options)


def same(a: Any, b: Any) -> bool:
    pairs = [(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.name != "provenance"]
    return all(_equal(x, y) for x, y in pairs)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return bool(a == b)


@every_analysis
def test_arrays_are_read_only_and_on_the_cpu(bench: Workbench, row: Analysis[Any]) -> None:
    result = result_of(bench, row)
    assert isinstance(result, row.result_type)
    for field in fields(result):
        value = getattr(result, field.name)
        assert not isinstance(value, torch.Tensor), field.name
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable, field.name
            assert value.dtype != object, field.name


@every_analysis
def test_provenance_says_what_made_it(bench: Workbench, row: Analysis[Any]) -> None:
    origin = result_of(bench, row).provenance
    assert (origin.analysis, origin.preset, origin.device) == (row.name, "tiny", "cpu")
    assert len(origin.weights_sha256) == 64
    assert len(origin.images) == len(pictures(row))
    assert origin.seconds > 0
    assert origin.options.keys() == {field.name for field in option_fields(row.options)}


@every_analysis
def test_saving_and_loading_gives_the_same(
    bench: Workbench, row: Analysis[Any], tmp_path: Path
) -> None:
    result = result_of(bench, row)
    names = {path.name for path in bench.save(result, tmp_path)}
    pictures = {name for name in names if name.endswith(".png")}
    assert names - pictures == {f"{row.name}.{s}" for s in ("npz", "json", "csv", "html")}
    back = bench.load(tmp_path)
    assert same(result, back)
    assert back.provenance == result.provenance


@every_analysis
def test_a_packed_result_comes_back_whole(bench: Workbench, row: Analysis[Any]) -> None:
    result = result_of(bench, row)
    back = files.unpacked(files.packed(result))
    assert same(result, back)
    assert back.provenance == result.provenance


@every_analysis
def test_the_same_request_is_computed_once(
    bench: Workbench, row: Analysis[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = result_of(bench, row)
    monkeypatch.setattr(import_module(f"convmixer_viz.analyses.{row.module}"), "compute", None)
    assert result_of(bench, row) is first


@every_analysis
def test_progress_adds_up(row: Analysis[Any]) -> None:
    model, options = loaded(), row.options(**CHEAP.get(row.name, {}))
    prepared = [prepare(load(name), TINY.transform) for name in pictures(row)]
    steps = list(row.compute(model, prepared, options))
    assert [step.done for step in steps] == [*range(1, steps[0].total + 1)]
    assert {step.total for step in steps} == {len(steps)}
    assert isinstance(steps[-1].partial, row.result_type)


@pytest.mark.parametrize("row", catalog.ANALYSES.values(), ids=lambda row: row.name)
def test_it_says_beforehand_what_memory_it_takes(row: Analysis[Any]) -> None:
    model, options = loaded(), row.options(**CHEAP.get(row.name, {}))
    few, many = (memory.workload(model, side, 9, options) for side in (16, 64))
    assert 0 < memory.estimate(row, few) <= memory.estimate(row, many)
    if row.images != "none":
        assert memory.estimate(row, many) > 4 * 9 * 64**2


@every_analysis
def test_the_model_is_left_as_it_was(row: Analysis[Any]) -> None:
    model, options = loaded(), row.options(**CHEAP.get(row.name, {}))
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    prepared = [prepare(load(name), TINY.transform) for name in pictures(row)]
    for _ in row.compute(model, prepared, options):
        assert torch.is_grad_enabled()
        assert not torch.is_autocast_enabled("cpu")
    assert all(torch.equal(before[k], v) for k, v in model.module.state_dict().items())
    for module in model.module.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
        assert not module._forward_pre_hooks
        assert not module.training
    assert all(p.grad is None and not p.requires_grad for p in model.module.parameters())


@every_repeatable
def test_an_edited_model_is_a_model(bench: Workbench, row: Analysis[Any]) -> None:
    """It has its own result; the original's is what it was, and so is the model."""
    before = result_of(bench, row)
    edited = result_of(bench, row, edits=["random:blocks=1", "off:blocks=2:kernels=3"])
    assert edited.origin.edits == ("random:blocks=1", "off:blocks=2:kernels=3")
    assert same(edited, before) == (row.name in ("patch-embedding", "cost"))
    bench.forget_results()
    assert same(result_of(bench, row), before)


@every_analysis
def test_it_draws_a_figure_with_something_in_it(bench: Workbench, row: Analysis[Any]) -> None:
    figure = bench.draw(result_of(bench, row))
    assert len(figure.data) + len(figure.layout.images) > 0


@every_analysis
def test_its_still_is_a_picture_with_a_caption(bench: Workbench, row: Analysis[Any]) -> None:
    still = row.still(result_of(bench, row))
    assert (still is None) == (row.name in TABLES_ONLY)
    if still is not None:
        png, caption = still
        assert Image.open(BytesIO(png)).format == "PNG" and caption


@every_analysis
def test_every_option_says_what_it_does(row: Analysis[Any]) -> None:
    for field in option_fields(row.options):
        assert len(field.sentence) > 8, field.name
        assert field.kind in (int, float, str, bool), field.name
        assert not field.sentence.endswith("."), field.name


@every_analysis
def test_a_table_falls_out(bench: Workbench, row: Analysis[Any]) -> None:
    rows = result_of(bench, row).rows()
    assert rows
    assert all(rows[0].keys() == line.keys() for line in rows)


@pytest.fixture(scope="module")
def serial(bench: Workbench) -> dict[str, Any]:
    """The first result of each analysis, and of another question, computed one by one."""
    return {row.name: result_of(bench, row) for row in TABLE if not row.measured} | {
        "other": other_result(bench)
    }


def other_result(bench: Workbench) -> Any:
    return bench.run("prediction", ["gallery:dot"], preset="tiny")


@every_repeatable
def test_every_run_gives_the_same_bits(
    bench: Workbench, serial: dict[str, Any], row: Analysis[Any]
) -> None:
    bench.forget_results()
    assert same(serial[row.name], result_of(bench, row))


@every_repeatable
def test_two_callers_at_once_get_the_serial_results(
    bench: Workbench, serial: dict[str, Any], row: Analysis[Any]
) -> None:
    bench.forget_results()
    with ThreadPoolExecutor(2) as callers:
        one = callers.submit(result_of, bench, row)
        other = callers.submit(other_result, bench)
    assert same(one.result(), serial[row.name])
    assert same(other.result(), serial["other"])
