"""convmixer-viz evaluate: how well a preset does on a labelled folder; also under torchrun."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from convmixer_viz.commands import console, data
from convmixer_viz.engine import distributed
from convmixer_viz.presets import table
from convmixer_viz.presets.table import DEFAULT
from convmixer_viz.weights import locate


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "accuracy and calibration on a labelled folder"
    command = subparsers.add_parser("evaluate", help=summary, description=summary)
    command.add_argument("--preset", default=DEFAULT, metavar="NAME", help=f"default: {DEFAULT}")
    command.add_argument("--weights", type=Path, metavar="FILE", help="other weights, to fit it")
    command.add_argument(
        "--data", type=data.folder_of, required=True, metavar="DIR", help="a folder a class"
    )
    command.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th picture")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--mode", choices=("exact", "fast"), default="exact")
    command.add_argument("--json", action="store_true", help="print JSON, confusion included")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the shares and counts; under torchrun the first process prints for all."""
    table.find(arguments.preset, locate.all_presets())
    from convmixer_viz.training import evaluation
    from convmixer_viz.workbench import Workbench

    bench = Workbench(distributed.local_device(arguments.device))
    name = arguments.preset
    if arguments.weights:
        name = f"{arguments.preset}+{arguments.weights.name}"
        bench.add(name, arguments.weights, like=arguments.preset)
    model = bench.model(name, mode=arguments.mode)
    with console.interruptible():
        steps = evaluation.evaluate(model, arguments.data, every=arguments.every)
        result = console.follow(steps, f"evaluate {name}")
    if distributed.process().rank == 0:
        for line in result.unreadable:
            console.tell(f"left out: {line}")
        console.show([result], as_json=arguments.json)
