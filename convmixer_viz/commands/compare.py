"""convmixer-viz compare: presets side by side, as files and one report."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from convmixer_viz.commands import cache, console, pictures
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.edits import check, edited_all
from convmixer_viz.presets import table
from convmixer_viz.presets.table import MOST_SIDE_BY_SIDE, SIDE_BY_SIDE
from convmixer_viz.request import fit_edits
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
    edit = "change the first: NAME[:KEY=VALUE…]; it stands unedited before its edited self"
    command.add_argument(
        "--edit", action="append", default=[], dest="edits", metavar="EDIT", help=edit
    )
    pictures.add_edits(command)
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--mode", choices=("exact", "fast"), default="exact")
    cache.add_flag(command)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="what it writes")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print each row's numbers; write compare.html and every preset's files."""
    names = arguments.presets.split(",")
    fewest = 1 if arguments.edits else 2
    if not fewest <= len(names) <= MOST_SIDE_BY_SIDE or len(set(names)) < len(names):
        raise ChoiceError(
            f"Compare two to {MOST_SIDE_BY_SIDE} different presets, not {arguments.presets}."
        )
    first, *others = [table.find(name, locate.all_presets()) for name in names]
    fit_edits(arguments.edits, first, locate.all_presets())
    for preset in (first, *others):
        check(pictures.edits(arguments), preset)
    read = pictures.read(arguments.pictures or [f"gallery:{first.opening}"])
    seen = edited_all(read, pictures.edits(arguments))
    from convmixer_viz.comparison import html, rows
    from convmixer_viz.comparison.columns import beside, requests
    from convmixer_viz.export import files
    from convmixer_viz.workbench import Workbench

    store_bytes = cache.store_bytes(arguments.store)
    wanted = [name for name in arguments.rows.split(",") if name]
    chosen = rows.choose(wanted, len(seen))
    missing = rows.left_out(chosen, wanted)
    choices = {key: getattr(arguments, key) for key in ("target", "against", "random", "mode")}
    bench = Workbench(arguments.device, store_bytes=store_bytes)
    columns = beside(names, arguments.edits)
    sections: list[html.Section] = []
    with closing(bench), console.interruptible():
        for row in chosen:
            results = [
                console.follow(bench.follow(request), f"{row.name} {request.preset.name}")
                for request in requests(bench, row, columns, seen, **choices)
            ]
            for column, result in zip(columns, results, strict=True):
                bench.save(result, arguments.out / column.title)
            sections.append((row, results))
    console.tell(bench.store.problem)
    for row, in_row in sections:
        print(f"{row.title}\n{console.as_table(row.numbers(in_row))}\n")
    for sentence in missing:
        console.tell(sentence)
    title = " · ".join(column.title for column in columns)
    files.write({"compare.html": html.page(title, sections, missing)}, arguments.out)
