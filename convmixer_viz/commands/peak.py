"""The most memory that a piece of work takes, above what was taken before it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from convmixer_viz.engine import allocator

SAMPLE_EVERY = 0.005  # seconds between looks at a process's memory


@contextmanager
def peak(device: str) -> Iterator[Callable[[], float]]:
    """A function that returns the body's peak in MiB: of a GPU's memory, else of the process's."""
    import psutil
    import torch

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield lambda: (torch.cuda.max_memory_allocated(device) - before) / 2**20
        return
    allocator.give_back()
    process, done = psutil.Process(), threading.Event()
    samples = [process.memory_info().rss]

    def look() -> None:
        while not done.wait(SAMPLE_EVERY):
            samples.append(process.memory_info().rss)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield lambda: (max(samples) - samples[0]) / 2**20
    finally:
        done.set()
        watcher.join()
