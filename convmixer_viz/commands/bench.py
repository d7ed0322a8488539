"""convmixer-viz bench: seconds and memory of this machine, a preset a row."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from convmixer_viz.commands import console
from convmixer_viz.commands.peak import peak
from convmixer_viz.errors import ChoiceError, DeviceError
from convmixer_viz.presets import table
from convmixer_viz.weights import locate

if TYPE_CHECKING:
    from convmixer_viz.workbench import Workbench

WORK: dict[str, tuple[str, dict[str, Any]]] = {
    "prediction": ("prediction", {}),
    "receptive field": ("receptive-field", {}),
    "integrated gradients": ("attribution", {"method": "integrated-gradients", "steps": 50}),
}
FIRST = ("cifar10-256-8", "cifar10-128-8-k5", "imagenette-256-8-p7")  # unless others are named
WHAT = (
    "Of the preset's opening picture at its own size, model loaded and warm; the receptive field "
    "of all blocks at its wider size, Integrated Gradients of 50 steps. Seconds are medians, MiB "
    "the most memory above the loaded model. Other programs are timed in tests/benchmarks/."
)


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "what this machine does: seconds and memory"
    command = subparsers.add_parser("bench", help=summary, description=summary)
    command.add_argument("--presets", help="separated by commas (default: three that ship)")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--mode", choices=("exact", "fast"), default="exact")
    command.add_argument("--repeats", type=int, default=3, help="at most (default: 3)")
    seconds = "stop repeating after about so many seconds (default: 30); one run each there is"
    command.add_argument("--seconds", type=float, default=30.0, help=seconds)
    gpu = "a GPU against the CPU: answers, bits, speed, memory, as JSON, under 8 minutes"
    command.add_argument("--gpu", action="store_true", help=gpu)
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Time each piece of work on the preset's opening picture, the model loaded before."""
    if arguments.repeats < 1:
        raise ChoiceError(f"{arguments.repeats} repeats have no median: choose 1 or more.")
    if arguments.gpu:
        _report_on_gpu(arguments)
        return
    presets = locate.all_presets()
    here = [name for name in FIRST if locate.find_file(presets[name])]
    names = arguments.presets.split(",") if arguments.presets else here
    for name in names:
        table.find(name, presets)
    from convmixer_viz.workbench import Workbench

    progress, rows = console.ProgressLine(), []
    with closing(Workbench(arguments.device, result_bytes=0)) as bench:
        ends = time.perf_counter() + arguments.seconds
        for number, name in enumerate(names):
            progress.show(f"bench {name}")
            left = (ends - time.perf_counter()) / (len(names) - number)
            row = _row(bench, name, arguments, left)
            rows.append({"preset": name, "device": bench.device, "mode": arguments.mode} | row)
    progress.clear()
    print(json.dumps(rows, indent=1) if arguments.json else console.as_table(rows))
    console.tell(WHAT)


def _report_on_gpu(arguments: argparse.Namespace) -> None:
    from convmixer_viz.commands import gpu_report
    from convmixer_viz.engine import runtime

    device = runtime.choose(arguments.device)
    if device == "cpu":
        raise DeviceError("PyTorch sees no GPU here: bench --gpu is for a machine that has one.")
    print(json.dumps(gpu_report.write(device), indent=1))


def _row(
    bench: Workbench, name: str, arguments: argparse.Namespace, seconds: float
) -> dict[str, float]:
    """Median seconds and peak memory above the loaded model in MiB; how many runs that is of, as
    many as there is time for."""
    row: dict[str, float] = {}
    share = seconds / len(WORK)
    for title, (analysis, options) in WORK.items():
        times, peaks, began = [], [], time.perf_counter()
        for repeat in range(arguments.repeats + 1):
            with peak(bench.device) as mebibytes:
                start = time.perf_counter()
                bench.run(analysis, preset=name, mode=arguments.mode, **options)
                times.append(time.perf_counter() - start)
            peaks.append(mebibytes())
            bench.forget_results()
            if repeat and time.perf_counter() - began + times[-1] > share:
                break
        times, peaks = times[1:], peaks[1:]  # the first loads the model and warms up
        row |= {
            f"{title} (s)": statistics.median(times),
            f"{title} (MiB)": max(peaks),
            f"{title} (runs)": len(times),
        }
    return row
