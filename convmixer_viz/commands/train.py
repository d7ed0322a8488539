"""convmixer-viz train: make a preset's weights from a folder of pictures; also under torchrun."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmixer_viz.commands import console, data
from convmixer_viz.engine import distributed
from convmixer_viz.training import recipes

if TYPE_CHECKING:
    from convmixer_viz.training.loop import Progress


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
    """One line an epoch on standard output, progress on standard error; of several processes the
    first one's."""
    recipes.find(arguments.recipe)  # a wrong name shouldn't wait for torch
    changes = recipes.changes(arguments.changes)
    from convmixer_viz.training.loop import train

    device = distributed.local_device(arguments.device)
    steps = train(
        arguments.recipe,
        arguments.data,
        arguments.out,
        epochs=arguments.epochs,
        device=device,
        resume=arguments.resume,
        changes=changes,
    )
    with console.interruptible(), distributed.joined(device):
        if distributed.process().rank:
            deque(steps, maxlen=0)
        else:
            _show(steps)


def _show(steps: Iterable[Progress]) -> None:
    progress = console.ProgressLine()
    for step in steps:
        if step.notice:
            print(step.notice, file=sys.stderr)
        progress.show(str(step))
        if step.row:
            progress.clear()
            print(step.row, flush=True)
    progress.clear()
