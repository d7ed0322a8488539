"""convmixer-viz bench: seconds and memory of this machine, a preset a row."""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from convmixer_viz.commands import console
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets import table
from convmixer_viz.weights import locate

if TYPE_CHECKING:
    from convmixer_viz.workbench import Workbench

WORK: dict[str, tuple[str, dict[str, Any]]] = {
    "prediction": ("prediction", {}),
    "receptive field": ("receptive-field", {}),
    "integrated gradients": ("attribution", {"method": "integrated-gradients", "steps": 50}),
}
SAMPLE_EVERY = 0.005  # seconds between looks at the memory


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "what this machine does: seconds and memory"
    command = subparsers.add_parser("bench", help=summary, description=summary)
    command.add_argument("--presets", help="separated by commas (default: all that are here)")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--mode", choices=("exact", "fast"), default="exact")
    command.add_argument("--repeats", type=int, default=3, help="the median is shown (default: 3)")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Time each piece of work on the preset's opening picture, the model loaded before."""
    if arguments.repeats < 1:
        raise ChoiceError(f"{arguments.repeats} repeats have no median: choose 1 or more.")
    presets = locate.all_presets()
    here = [name for name, preset in presets.items() if locate.find_file(preset)]
    names = arguments.presets.split(",") if arguments.presets else here
    for name in names:
        table.find(name, presets)
    from convmixer_viz.workbench import Workbench

    bench = Workbench(arguments.device, result_bytes=0)
    progress, rows = console.ProgressLine(), []
    for name in names:
        progress.show(f"bench {name}")
        rows.append({"preset": name} | _row(bench, name, arguments.mode, arguments.repeats))
    progress.clear()
    bench.close()
    print(json.dumps(rows, indent=1) if arguments.json else console.as_table(rows))


def _row(bench: Workbench, name: str, mode: str, repeats: int) -> dict[str, float]:
    """Seconds (median) and peak memory above the loaded model in MiB."""
    row: dict[str, float] = {}
    for title, (analysis, options) in WORK.items():
        seconds, peaks = [], []
        for repeat in range(repeats + 1):
            with _peak(bench.device) as peak:
                began = time.perf_counter()
                bench.run(analysis, preset=name, mode=mode, **options)
                seconds.append(time.perf_counter() - began)
            peaks.append(peak())
            bench.forget_results()
            if repeat == 0:  # loads the model, warms up
                seconds.clear()
        row |= {f"{title} (s)": statistics.median(seconds), f"{title} (MiB)": max(peaks[1:])}
    return row


@contextmanager
def _peak(device: str) -> Iterator[Callable[[], float]]:
    """A function that returns the body's peak memory in MiB, above what was taken before it."""
    import psutil
    import torch

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield lambda: (torch.cuda.max_memory_allocated(device) - before) / 2**20
        return
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
