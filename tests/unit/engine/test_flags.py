"""Every step runs under the same flags, and the process gets its own back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import torch

from convmixer_viz.contract import Step
from convmixer_viz.engine import flags, runtime
from convmixer_viz.engine.queue import DeviceQueue


def test_chunk_sets_flags_and_restores_them() -> None:
    before = flags.current()
    with runtime.chunk("test"):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.mkldnn.matmul.fp32_precision == "ieee"  # type: ignore[attr-defined]
        assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    assert flags.current() == before


def test_what_the_host_has_set_comes_back() -> None:
    torch.set_deterministic_debug_mode("warn")
    try:
        with runtime.chunk("test"):
            assert torch.get_deterministic_debug_mode() == 2
        assert torch.get_deterministic_debug_mode() == 1
    finally:
        torch.set_deterministic_debug_mode("default")


def test_two_devices_at_once_run_under_the_same_flags() -> None:
    """A CPU's step ends while one that claims to be CUDA's runs, which began after it."""
    before = flags.current()
    cpu_runs, cuda_runs, cpu_ended = (threading.Event() for _ in range(3))
    seen: dict[str, flags.Flags] = {}

    def step(name: str, begun: threading.Event, go_on: threading.Event) -> Iterator[Step[str]]:
        begun.set()
        assert go_on.wait(10)
        seen[name] = flags.current()
        yield Step(1, 1, name)

    queues = {
        device: DeviceQueue(lambda: None, partial(runtime.chunk, device=device))
        for device in ("cpu", "cuda:0")
    }

    def follow(device: str, *events: threading.Event) -> None:
        list(queues[device].follow(device, device, lambda: step(device, *events)))

    with ThreadPoolExecutor(2) as pool, closing(queues["cpu"]), closing(queues["cuda:0"]):
        cpu = pool.submit(follow, "cpu", cpu_runs, cuda_runs)
        assert cpu_runs.wait(10)
        cuda = pool.submit(follow, "cuda:0", cuda_runs, cpu_ended)
        cpu.result(10)
        cpu_ended.set()
        cuda.result(10)
    assert seen == {"cpu": flags.EXACT, "cuda:0": flags.EXACT}
    assert flags.current() == before != flags.EXACT
