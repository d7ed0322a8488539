"""convmixer-viz replay: compute a bundle's result anew, and hold it against the bundle."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmixer_viz.commands import console
from convmixer_viz.errors import DataError, VizError, WeightsError
from convmixer_viz.export import bundle

if TYPE_CHECKING:
    from convmixer_viz.request import Request
    from convmixer_viz.workbench import Workbench


def register(rows: Any) -> None:
    """Add the subparser."""
    says = "recompute a bundle and check it"
    command = rows.add_parser("replay", help=says, description=says)
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="a zip of the app's")
    command.add_argument("--weights", type=Path, metavar="FILE", help="where its own weights are")
    command.add_argument("--device", help="default: the bundle's")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """A row an array; exit 2 where one differs by more than is allowed."""
    with tempfile.TemporaryDirectory() as scratch:
        held = bundle.read(arguments.bundle, Path(scratch))
    fresh = _again(held, *_asked(held, arguments))
    found = bundle.compare(fresh, held)
    console.print_table(
        [{"array": d.array, "difference": d.largest, "allowed": d.allowed} for d in found]
    )
    worst = [d.array for d in found if not d.good]
    if worst:
        raise DataError(f"{arguments.bundle} isn't reproduced: {', '.join(worst)} differ.")


def _asked(held: bundle.Bundle, arguments: argparse.Namespace) -> tuple[Workbench, Request[Any]]:
    from convmixer_viz.workbench import Workbench

    origin, name = held.origin, held.origin.preset
    try:
        bench = Workbench(arguments.device or origin.device)
        if arguments.weights:
            like = name if name in bench.presets else None
            name = f"{name} again"
            bench.add(name, arguments.weights, like=like)
        return bench, bench.request(
            origin.analysis, held.images, preset=name, random=origin.untrained_seed,
            mode=origin.mode, **origin.options,
        )  # fmt: skip
    except VizError:
        raise
    except Exception as error:  # anybody may have written what the bundle asks for
        raise DataError(f"{arguments.bundle} asks for what can't be computed ({error}).") from error


def _again(held: bundle.Bundle, bench: Workbench, request: Request[Any]) -> Any:
    origin, name = held.origin, request.preset.name
    if request.key.weights_sha256 != origin.weights_sha256:
        raise WeightsError(
            f"The bundle's weights (sha256 {origin.weights_sha256[:12]}) aren't those of {name} "
            "here: name their file with --weights."
        )
    with closing(bench), console.interruptible():
        return console.follow(bench.follow(request), f"{origin.analysis} {name}")
