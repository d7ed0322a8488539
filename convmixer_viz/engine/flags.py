"""The flags under which all steps run, whatever the device, and nothing else does."""

from __future__ import annotations

import threading
from typing import NamedTuple

import torch


class Flags(NamedTuple):
    """Settings of torch that belong to the process: it has none per thread."""

    cuda_matmul: str
    cuda_convolution: str
    cpu_matmul: str
    cpu_convolution: str
    deterministic: int  # torch's debug mode: 0 off, 1 warns, 2 raises
    fill_uninitialized: bool
    benchmark: bool


EXACT = Flags("ieee", "ieee", "ieee", "ieee", 2, False, False)


class SharedFlags:
    """EXACT while any step runs, on whatever device: set as each begins, and what the process had
    before comes back when the last that runs ends. So no step sees another's end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._before = EXACT

    def __enter__(self) -> None:
        with self._lock:
            if self._running == 0:
                self._before = current()
            self._running += 1
            _set(EXACT)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0:
                _set(self._before)


HELD = SharedFlags()


def current() -> Flags:
    """As they are now."""
    backends = torch.backends
    return Flags(
        backends.cuda.matmul.fp32_precision,
        backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
        backends.mkldnn.matmul.fp32_precision,  # type: ignore[attr-defined]
        backends.mkldnn.conv.fp32_precision,  # type: ignore[attr-defined]
        torch.get_deterministic_debug_mode(),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        backends.cudnn.benchmark,
    )


def _set(flags: Flags) -> None:
    backends = torch.backends
    backends.cuda.matmul.fp32_precision = flags.cuda_matmul
    backends.cudnn.conv.fp32_precision = flags.cuda_convolution  # type: ignore[attr-defined]
    backends.mkldnn.matmul.fp32_precision = flags.cpu_matmul  # type: ignore[attr-defined]
    backends.mkldnn.conv.fp32_precision = flags.cpu_convolution  # type: ignore[attr-defined]
    torch.set_deterministic_debug_mode(flags.deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = flags.fill_uninitialized  # type: ignore[attr-defined]
    backends.cudnn.benchmark = flags.benchmark
