"""What a GPU can get wrong and a CPU can show, on a device that claims to be one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import torch

from convmixer_viz import catalog
from convmixer_viz.commands.gpu_report import apart
from convmixer_viz.contract import Analysis
from convmixer_viz.engine import runtime
from convmixer_viz.errors import DeviceError
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated
from tests.pretend_cuda import Watch, pretended

KNOWN = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}
SMALL: dict[str, dict[str, Any]] = {
    "attribution": {"steps": 8},
    "faithfulness": {"method": "saliency"},
    "effect": {"edits": ["mean"], "seeds": 1},
}
ROWS = [row for row in catalog.ANALYSES.values() if row.name != "formation"]  # has no history here
every_analysis = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)

# torch.use_deterministic_algorithms: what raises on a GPU, as its documentation lists it
WITHOUT_DETERMINISTIC = {
    "aten.avg_pool3d_backward",
    "aten._adaptive_avg_pool2d_backward",
    "aten._adaptive_avg_pool3d_backward",
    "aten.max_pool3d_with_indices_backward",
    "aten.adaptive_max_pool2d_backward",
    "aten.fractional_max_pool2d_backward",
    "aten.fractional_max_pool3d_backward",
    "aten.max_unpool2d",
    "aten.max_unpool3d",
    "aten.upsample_linear1d_backward",
    "aten.upsample_bilinear2d_backward",
    "aten.upsample_bicubic2d_backward",
    "aten.upsample_trilinear3d_backward",
    "aten.reflection_pad1d_backward",
    "aten.reflection_pad2d_backward",
    "aten.reflection_pad3d_backward",
    "aten.replication_pad1d_backward",
    "aten.replication_pad2d_backward",
    "aten.replication_pad3d_backward",
    "aten.nll_loss2d_forward",
    "aten._ctc_loss_backward",
    "aten._embedding_bag_dense_backward",
    "aten.put_",
    "aten.histc",
    "aten.bincount",
    "aten.kthvalue",
    "aten.median",
    "aten.grid_sampler_2d_backward",
    "aten.grid_sampler_3d_backward",
    "aten.cumsum",
    "aten.scatter_reduce",
    "aten.resize_",
}


def ask(bench: Workbench, row: Analysis[Any], device: str) -> Any:
    names = [f"gallery:{name}" for name in ("cat", "coffee", "rocket", "chirp")]
    pictures = names[: {"none": 0, "one": 1, "many": 4}[row.images]]
    small = {"resolution": 16} if hasattr(row.options, "resolution") else {}
    options = small | SMALL.get(row.name, {})
    return bench.run(row, pictures, preset="tiny", device=device, **options)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with pretended(monkeypatch) as watch:
        yield watch


@pytest.fixture
def bench(watch: Watch) -> Iterator[Workbench]:
    with closing(Workbench("cpu", result_bytes=0)) as bench:
        bench.add("tiny", calibrated(TINY).state_dict(), **KNOWN)
        yield bench


@every_analysis
def test_no_analysis_mixes_devices_or_lacks_a_deterministic_algorithm(
    bench: Workbench, watch: Watch, row: Analysis[Any]
) -> None:
    result = ask(bench, row, "cuda:0")
    assert result.origin.device == "cuda:0"
    assert watch.count > 10 or row.images == "none"
    called = {name.rpartition(".")[0] for name in watch.called}
    assert not called & WITHOUT_DETERMINISTIC
    if not row.measured:
        gaps = apart(result, ask(bench, row, "cpu"))
        assert max(gaps.values(), default=0) <= 1e-3, gaps


def test_the_device_refuses_what_a_gpu_refuses(watch: Watch) -> None:
    with runtime.chunk("a step"):
        there = torch.zeros(3, device="cuda:0")
        assert there.is_cuda and not there.cpu().is_cuda
        with pytest.raises(RuntimeError, match="on cuda:0 and on the CPU"):
            there + torch.ones(3)
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()


def lost() -> BaseException:
    return torch.AcceleratorError("CUDA error: unspecified launch failure\nSearch for it …")


@pytest.mark.parametrize("row", [catalog.PREDICTION, catalog.ATTRIBUTION, catalog.RECEPTIVE_FIELD])
def test_a_shortage_at_any_call_is_a_sentence_and_the_next_request_works(
    monkeypatch: pytest.MonkeyPatch, row: Analysis[Any]
) -> None:
    with pretended(monkeypatch) as watch, closing(Workbench("cpu", result_bytes=0)) as bench:
        bench.add("tiny", calibrated(TINY).state_dict(), **KNOWN)
        ask(bench, row, "cuda:0")  # loads the model
        watch.count = 0
        expected = ask(bench, row, "cuda:0")
        whole = watch.count
        for place in range(1, whole, max(1, whole // 12)):
            watch.count, watch.fail_from = 0, place
            with pytest.raises(DeviceError, match="cuda:0 has no memory left"):
                ask(bench, row, "cuda:0")
            watch.fail_from = None
            assert max(apart(ask(bench, row, "cuda:0"), expected).values()) == 0


def test_a_lost_device_is_a_sentence_and_others_work_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended(monkeypatch) as watch, closing(Workbench("cpu", result_bytes=0)) as bench:
        bench.add("tiny", calibrated(TINY).state_dict(), **KNOWN)
        watch.error, watch.fail_from = lost, 40
        sentence = r"cuda:0 was lost \(CUDA error: unspecified launch failure\): start .*device cpu"
        with pytest.raises(DeviceError, match=sentence):
            ask(bench, catalog.PREDICTION, "cuda:0")
        assert ask(bench, catalog.PREDICTION, "cpu").origin.device == "cpu"
