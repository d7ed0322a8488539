"""convmixer-viz train: make a preset's weights from a folder of pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from convmixer_viz.commands import console, data
from convmixer_viz.training import recipes


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "train a recipe: weights, log and history"
    command = subparsers.add_parser("train", help=summary, description=summary)
    command.add_argument("recipe", help=", ".join(recipes.RECIPES))
    command.add_argument(
        "--data", type=data.folder_of, required=True, metavar="DIR", help="train/ and test/"
    )
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="what it writes")
    command.add_argument("--epochs", type=int, metavar="N", help="default: the recipe's")
    command.add_argument(
        "--with",
        nargs="+",
        action="extend",
        default=[],
        dest="changes",
        metavar="NAME=VALUE",
        help="other values of the recipe's fields, as muon=0.1 average=0.995 seed=1",
    )
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--resume", action="store_true", help="go on with a run that was cut off")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """One line an epoch on standard output, progress on standard error."""
    recipes.find(arguments.recipe)  # a wrong name shouldn't wait for torch
    changes = recipes.changes(arguments.changes)
    from convmixer_viz.training.loop import train

    steps = train(
        arguments.recipe,
        arguments.data,
        arguments.out,
        epochs=arguments.epochs,
        device=arguments.device,
        resume=arguments.resume,
        changes=changes,
    )
    progress = console.ProgressLine()
    with console.interruptible():
        for step in steps:
            if step.notice:
                print(step.notice, file=sys.stderr)
            progress.show(str(step))
            if step.row:
                progress.clear()
                print(step.row, flush=True)
    progress.clear()
