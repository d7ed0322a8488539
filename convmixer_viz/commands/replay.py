"""convmixer-viz replay: recompute a bundle's result, and compare the two array by array."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmixer_viz import catalog
from convmixer_viz.commands import console
from convmixer_viz.errors import DataError, WeightsError
from convmixer_viz.export import bundle
from convmixer_viz.request import read_options

if TYPE_CHECKING:
    from convmixer_viz.request import Request
    from convmixer_viz.workbench import Workbench


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "recompute a bundle and check it"
    command = subparsers.add_parser("replay", help=summary, description=summary)
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="a zip of the app's")
    command.add_argument("--weights", type=Path, metavar="FILE", help="where its own weights are")
    command.add_argument("--device", help="default: the bundle's")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """A row an array; exit 2 where one differs by more than is allowed."""
    with tempfile.TemporaryDirectory() as scratch:
        stored = bundle.read(arguments.bundle, Path(scratch))
        fresh = _recompute(stored, *_request(stored, arguments))
    differences = bundle.compare(fresh, stored)
    console.tell(_excuse(bundle.unlike(stored.provenance, fresh.origin)))
    rows = [{"array": d.array, "difference": d.largest, "allowed": d.allowed} for d in differences]
    print(console.as_table(rows))
    beyond = [d.array for d in differences if not d.within_tolerance]
    if beyond:
        raise DataError(f"{arguments.bundle} isn't reproduced: {', '.join(beyond)} differ.")


def _excuse(unlike: dict[str, tuple[str, str]]) -> str:
    """Why not the same bits are asked for, where they aren't."""
    if not unlike:
        return ""
    pairs = [f"{name} {there} there, {here} here" for name, (there, here) in unlike.items()]
    return (
        f"Compared within {bundle.TOLERANCE:g} of the largest value, since these differ: "
        f"{'; '.join(pairs)}."
    )


def _request(
    stored: bundle.Bundle, arguments: argparse.Namespace
) -> tuple[Workbench, Request[Any]]:
    """A workbench, and the bundle's request to it."""
    from convmixer_viz.workbench import Workbench

    provenance, name = stored.provenance, stored.provenance.preset
    read_options(catalog.find(provenance.analysis), provenance.options)  # no other names than its
    bench = Workbench(arguments.device or provenance.device)
    if arguments.weights:
        like = name if name in bench.presets else None
        name = f"{name} again"
        bench.add(name, arguments.weights, like=like)
    return bench, bench.request(
        provenance.analysis,
        stored.images,
        preset=name,
        random=provenance.untrained_seed,
        mode=provenance.mode,
        edits=provenance.edits,
        **provenance.options,
    )


def _recompute(stored: bundle.Bundle, bench: Workbench, request: Request[Any]) -> Any:
    """The request's result, where the weights are those of the bundle."""
    provenance, name = stored.provenance, request.preset.name
    sha256 = provenance.weights_sha256
    if request.key.weights_sha256 != sha256:
        raise WeightsError(
            f"The bundle's weights (sha256 {sha256[:12]}) aren't those of {name} "
            "here: name their file with --weights."
        )
    if request.key.edit_sources != provenance.edit_sources:
        raise WeightsError(
            "What the bundle's edits took from elsewhere isn't what is here: another preset's "
            "weights, or a data set, has changed."
        )
    with closing(bench), console.interruptible():
        return console.follow(bench.follow(request), f"{provenance.analysis} {name}")
