"""Device, dtype, flags; and numbers that don't depend on company."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from convmixer_viz.engine import flags, hardware, runtime
from convmixer_viz.errors import DeviceError, WeightsError
from convmixer_viz.presets.table import PRESETS
from tests.conftest import TINY, calibrated, loaded


class OutOfCudaMemory(RuntimeError):
    """As torch.AcceleratorError tells it."""

    error_code = 2


@pytest.mark.parametrize(
    "shortage",
    [
        lambda: torch.empty(2**50),
        lambda: np.empty(2**50),
        lambda: raises(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")),
        lambda: raises(OutOfCudaMemory("CUDA error")),
        lambda: raises(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublas")),
        lambda: raises(RuntimeError("std::bad_alloc")),
    ],
)
def test_a_shortage_anywhere_in_a_step_is_a_sentence(shortage: Callable[[], object]) -> None:
    before = flags.current()
    with (
        pytest.raises(DeviceError, match="cuda:1 has no memory left for fields: choose a lower"),
        runtime.chunk("fields", "cuda:1"),
    ):
        shortage()
    assert flags.current() == before


def raises(error: Exception) -> None:
    raise error


def test_other_errors_of_a_step_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), runtime.chunk("fields"):
        raises(RuntimeError("shapes differ"))


def test_chunk_names_who_leaves_grad_mode_changed() -> None:
    with pytest.raises(RuntimeError, match="careless left grad mode"), runtime.chunk("careless"):
        torch.set_grad_enabled(False)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:-1", "mps", "", "cpu:1"])
def test_devices_that_do_not_exist_are_named(name: str) -> None:
    with pytest.raises(DeviceError, match=r"no device|is not here"):
        runtime.choose(name)


def test_an_absent_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert runtime.choose("cuda") == "cuda:0"
    with pytest.raises(DeviceError, match=r"cuda:1 is not here.*1 GPUs"):
        runtime.choose("cuda:1")


def test_fast_mode_stays_near_exact_mode(noise: torch.Tensor) -> None:
    exact, fast = loaded(), loaded(mode="fast")
    a, b = exact.logits(exact.place(noise)), fast.logits(fast.place(noise))
    assert b.dtype == torch.float32
    assert float((a - b).abs().max() / a.abs().max()) < 0.05
    assert (fast.dtype == torch.bfloat16) == hardware.native_bf16()


class Scarce:
    """A device whose memory holds only so many pictures at once."""

    def __init__(self, batch_size: int, shortage: type[Exception] = torch.OutOfMemoryError) -> None:
        self.batch_size, self.shortage = batch_size, shortage
        self.calls: list[int] = []  # the batch size of each

    def __call__(self, part: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(part))
        if len(part) > self.batch_size:
            raise self.shortage
        return part.sum((1, 2, 3))


@pytest.mark.parametrize("shortage", [torch.OutOfMemoryError, MemoryError])
def test_out_of_memory_in_exact_mode_tries_once_more_and_says_what_to_do(
    noise: torch.Tensor, shortage: type[Exception]
) -> None:
    device = Scarce(4, shortage)
    with pytest.raises(
        DeviceError, match="no memory left for tiny at 16×16 pixels: choose a lower"
    ):
        loaded().call(device, noise)
    assert device.calls == [16, 16]


def test_out_of_memory_in_fast_mode_halves_and_records_it(noise: torch.Tensor) -> None:
    device, model = Scarce(4), loaded(mode="fast")
    assert torch.equal(model.call(device, noise), noise.sum((1, 2, 3)))
    assert max(device.calls[-2:]) <= 4
    assert model.halved == [8, 4, 4]


def test_calls_in_exact_mode_have_one_batch_size(noise: torch.Tensor) -> None:
    for device, batch_size in (("cuda:0", runtime.GPU_BATCH), ("cpu", runtime.CPU_BATCH)):
        scarce, model = Scarce(99), replace(loaded(), device=device)
        for part in model.parts(noise[:5]):
            assert torch.equal(model.call(scarce, part), noise[:5].sum((1, 2, 3)))
        assert scarce.calls == [batch_size]


def test_padding_keeps_the_memory_layout() -> None:
    tokens = torch.randn(2, 12, 8, 8).contiguous(memory_format=torch.channels_last)
    strides: list[tuple[int, ...]] = []

    def note(part: torch.Tensor) -> torch.Tensor:
        strides.append(part.stride())
        return part

    assert torch.equal(loaded().call(note, tokens, 16), tokens)
    assert strides == [(768, 1, 96, 12)]


def test_large_pictures_go_one_by_one_but_in_bfloat16() -> None:
    sides = {preset.transform.size for preset in PRESETS.values()}
    assert {loaded(TINY).batch_size(side) for side in sides} == {runtime.CPU_BATCH}
    large = replace(loaded(TINY), preset=PRESETS["imagenet-1024-20"])
    assert large.batch_size(224) == 1
    halved = replace(large, module=large.module.to(torch.bfloat16), mode="fast")
    assert halved.batch_size(224) == runtime.BF16_BATCH


def test_cublas_is_told_where_nobody_has_when_a_model_goes_to_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "CUBLAS_WORKSPACE_CONFIG"
    monkeypatch.setattr(nn.Module, "to", lambda module, *_, **__: module)
    names = tuple("abcdefghij")
    for own, told in ((None, ":4096:8"), (":16:8", ":16:8")):
        monkeypatch.delenv(name, raising=False)
        if own:
            monkeypatch.setenv(name, own)
        runtime.load(
            TINY, calibrated(TINY), class_names=names, sha256="", device="cpu", mode="exact"
        )
        assert os.environ.get(name) == own
        runtime.load(
            TINY, calibrated(TINY), class_names=names, sha256="", device="cuda:0", mode="exact"
        )
        assert os.environ[name] == told


def test_an_answer_that_is_not_finite_is_a_sentence(noise: torch.Tensor) -> None:
    """Finite weights can be too large together."""
    module = calibrated(TINY)
    for block in module.walk():
        block.pointwise_norm.weight.mul_(1e20)
    with pytest.raises(WeightsError, match="tiny answers with numbers that aren't finite"):
        loaded(TINY, module).logits(noise)
