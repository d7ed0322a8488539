"""convmixer-viz compare: presets side by side, as files and one report."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from convmixer_viz.commands import cache, console, pictures
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import MOST_SIDE_BY_SIDE, SIDE_BY_SIDE
from convmixer_viz.weights import locate


def register(commands: Any) -> None:
    """Add the subparser."""
    summary = "presets side by side, as one report"
    command = commands.add_parser("compare", help=summary, description=summary)
    images = "path, folder, gallery:NAME or - for standard input; none: the first preset's own"
    command.add_argument("pictures", nargs="*", metavar="IMAGE", help=images)
    command.add_argument(
        "--presets", default=",".join(SIDE_BY_SIDE), help="two to four, separated by commas"
    )
    command.add_argument("--rows", default="", help="which views, separated by commas (all)")
    command.add_argument("--target", metavar="NAME", help="class explained (each preset's own)")
    command.add_argument("--against", metavar="NAME", help="rather than this class")
    command.add_argument("--random", type=int, metavar="SEED", help="the untrained twins instead")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--mode", choices=("exact", "fast"), default="exact")
    cache.add_flag(command)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="what it writes")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print each row's numbers; write compare.html and every preset's files."""
    names = arguments.presets.split(",")
    if not 2 <= len(names) <= MOST_SIDE_BY_SIDE or len(set(names)) < len(names):
        raise ChoiceError(
            f"Compare two to {MOST_SIDE_BY_SIDE} different presets, not {arguments.presets}."
        )
    first, *_ = [table.find(name, locate.all_presets()) for name in names]
    seen = pictures.read(arguments.pictures or [f"gallery:{first.opening}"])
    from convmixer_viz.comparison import html, rows
    from convmixer_viz.comparison.columns import requests
    from convmixer_viz.export import files
    from convmixer_viz.workbench import Workbench

    store_bytes = cache.store_bytes(arguments.store)
    wanted = [name for name in arguments.rows.split(",") if name]
    chosen = rows.choose(wanted, len(seen))
    missing = rows.left_out(chosen, wanted)
    choices = {key: getattr(arguments, key) for key in ("target", "against", "random", "mode")}
    bench = Workbench(arguments.device, store_bytes=store_bytes)
    sections: list[html.Section] = []
    with closing(bench), console.interruptible():
        for row in chosen:
            results = [
                console.follow(bench.follow(request), f"{row.name} {request.preset.name}")
                for request in requests(bench, row, names, seen, **choices)
            ]
            for name, result in zip(names, results, strict=True):
                bench.save(result, arguments.out / name)
            sections.append((row, results))
    console.tell(bench.store.problem)
    for row, columns in sections:
        print(f"{row.title}\n{console.as_table(row.numbers(columns))}\n")
    for sentence in missing:
        console.tell(sentence)
    files.write({"compare.html": html.page(" · ".join(names), sections, missing)}, arguments.out)
