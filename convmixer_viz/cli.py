"""The command line: one subcommand per row of the catalog, and those of commands/."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from convmixer_viz import catalog, commands, request
from convmixer_viz.commands import console, flags, pictures
from convmixer_viz.contract import Analysis, Result, option_fields
from convmixer_viz.engine import allocator, distributed
from convmixer_viz.errors import ChoiceError, DataError, VizError
from convmixer_viz.export import files
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures import edits as picture_edits
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.presets import table
from convmixer_viz.presets.table import DEFAULT
from convmixer_viz.questions import glossary
from convmixer_viz.weights import locate

if TYPE_CHECKING:
    from convmixer_viz.request import Request
    from convmixer_viz.workbench import Workbench

INTERRUPTED = 130  # exit code after Ctrl-C, as a shell counts it
PIPE_CLOSED = 141  # exit code when the reader of standard output went away: SIGPIPE's


class Call(NamedTuple):
    """One call of the workbench, and the folder that its files go to."""

    preset: str
    pictures: Sequence[Picture]
    folder: Path | None


class Parser(argparse.ArgumentParser):
    """Wrong arguments raise a ChoiceError, so they end as every other mistake does."""

    def error(self, message: str) -> Any:
        raise ChoiceError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0, or 2 with one sentence on standard error, or 130 when interrupted."""
    if argv is None:  # started as a program: the process is ours
        argv = sys.argv[1:]
        allocator.keep(everything=argv[:1] == ["train"])
    try:
        arguments = _parser(argv).parse_args(argv)
        code = int(arguments.run(arguments) or 0)
        sys.stdout.flush()
        return code
    except VizError as error:
        print(f"error: {escape(error, 'terminal')}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # … | head has seen enough: what is still to be flushed goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        "convmixer-viz",
        description="See what is inside a ConvMixer.",
        epilog=f"words:\n{glossary.listing()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rows = parser.add_subparsers(required=True, metavar="COMMAND")
    for row in catalog.ANALYSES.values():
        command = rows.add_parser(
            row.name,
            help=row.summary,
            description=row.summary,
            epilog=f"words:\n{glossary.listing(_sentences(row))}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if row.name in argv[:1]:  # only the one in use imports its module
            _add_flags(command, row)
    for register in commands.COMMANDS:
        register(rows)
    return parser


def _sentences(row: Analysis[Any]) -> str:
    """What an analysis says of itself and its options."""
    return " ".join([row.summary, *(field.sentence for field in option_fields(row.options))])


def _add_flags(command: argparse.ArgumentParser, row: Analysis[Any]) -> None:
    if row.images != "none":
        images = "path, folder, gallery:NAME or - for standard input; none: the preset's own"
        command.add_argument("pictures", nargs="*", metavar="IMAGE", help=images)
        pictures.add_edits(command)
    add = command.add_argument
    if row.images == "many":
        pictures_of = "all pictures of a data set: its name, NAME=DIR or DIR"
        add("--data", metavar="NAME", help=pictures_of)
        add("--size", type=int, metavar="N", help="only N of them, drawn by seed 0")
    presets = command.add_mutually_exclusive_group()
    presets.add_argument("--preset", metavar="NAME", help=f"which model (default: {DEFAULT})")
    presets.add_argument("--presets", metavar="A,B", help="several models, separated by commas")
    add("--weights", type=Path, metavar="FILE", help="a weights file, alone or for --preset")
    add("--random", type=int, metavar="SEED", help="the untrained twin instead of the weights")
    edit = "change the first model: NAME[:KEY=VALUE…], once for each edit, in their order"
    add("--edit", action="append", default=[], dest="edits", metavar="EDIT", help=edit)
    add("--device", default="auto", help="auto, cpu, cuda or cuda:n (default: auto)")
    add("--mode", choices=("exact", "fast"), default="exact", help="exact is float32 (default)")
    add("--out", type=Path, metavar="DIR", help="write npz, json, csv and html there")
    add("--resume", action="store_true", help="keep what --out already holds of this request")
    commands.cache.add_flag(command)
    add("--json", action="store_true", help="print JSON instead of a table")
    flags.add(command, row.options)
    command.set_defaults(run=lambda arguments: _run(row, arguments))


def _run(row: Analysis[Any], arguments: argparse.Namespace) -> None:
    if distributed.process().size > 1 and not row.shared:
        raise ChoiceError(f"{row.name} runs in one process: start it without torchrun.")
    if arguments.weights and arguments.presets:
        raise ChoiceError("--weights takes the place of one --preset, not of --presets.")
    names = (arguments.presets or arguments.preset or DEFAULT).split(",")
    if not arguments.weights:
        _check(row, arguments, names)
    with distributed.joined():
        chosen = _pictures(arguments)
        results = _results(row, arguments, names, chosen)
    if distributed.process().rank == 0:
        console.show(results, as_json=arguments.json)


def _pictures(arguments: argparse.Namespace) -> Sequence[Picture]:
    paths, data = getattr(arguments, "pictures", []), getattr(arguments, "data", None)
    if data is None:
        return pictures.read(paths)
    if paths:
        raise ChoiceError("--data takes the place of pictures: leave one of them out.")
    return Drawn(commands.data.find(data), arguments.size)


def _results(
    row: Analysis[Any], arguments: argparse.Namespace, names: list[str], chosen: Sequence[Picture]
) -> list[Result]:
    from convmixer_viz.workbench import Workbench  # not before: torch takes seconds

    choices = flags.read(arguments, row.options)
    choices |= {"random": arguments.random, "mode": arguments.mode}
    choices["picture_edits"] = pictures.edits(arguments)
    alone = distributed.process().size == 1  # joined processes must all compute, or none
    store_bytes = commands.cache.store_bytes(arguments.store) if alone else 0
    bench = Workbench(distributed.local_device(arguments.device), store_bytes=store_bytes)
    with closing(bench), console.interruptible():
        if arguments.weights:
            names = [_add_weights(bench, arguments)]
        results = [
            _result(
                bench,
                row,
                call,
                choices | {"edits": arguments.edits if call.preset == names[0] else ()},
                resume=arguments.resume,
            )
            for call in _calls(row, names, chosen, arguments.out)
        ]
    console.tell(bench.store.problem)
    return results


def _check(row: Analysis[Any], arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """Raise what can be wrong before torch is imported, which takes seconds."""
    options = flags.read(arguments, row.options)
    chosen = request.read_options(row, options)
    for name in sorted(options.keys() & getattr(chosen, "unread", ())):
        console.tell(f"{chosen.method} doesn't read --{name}: it has no effect.")
    presets = locate.all_presets()
    for name in names:
        preset = table.find(name, presets)
        request.fit(row, chosen, preset, locate.class_names(preset))
        picture_edits.check(pictures.edits(arguments), preset)
    request.fit_edits(arguments.edits, table.find(names[0], presets), presets)


def _add_weights(bench: Workbench, arguments: argparse.Namespace) -> str:
    """Add the file of --weights as a preset of its own, with the shape of --preset where that is
    named; returns its name."""
    name = f"{arguments.preset or ''}{'+' if arguments.preset else ''}{arguments.weights.name}"
    _, assumed = bench.add(name, arguments.weights, like=arguments.preset)
    for sentence in assumed:
        console.tell(sentence)
    return name


def _calls(
    row: Analysis[Any], names: Sequence[str], chosen: Sequence[Picture], out: Path | None
) -> Iterator[Call]:
    single = row.images == "one" and len(chosen) > 1
    groups: list[Sequence[Picture]] = [[picture] for picture in chosen] if single else [chosen]
    stems = _numbered([Path(group[0].name).stem for group in groups] if single else [""])
    for name in names:
        for stem, group in zip(stems, groups, strict=True):
            folder = out and out / (name if len(names) > 1 else "") / stem
            yield Call(name, group, folder)


def _numbered(stems: Sequence[str]) -> list[str]:
    """cat, dog, cat → cat, dog, cat-2."""
    numbered: dict[str, None] = {}
    for stem in stems:
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        numbered[next(name for name in names if name not in numbered)] = None
    return list(numbered)


def _result(
    bench: Workbench, row: Analysis[Any], call: Call, choices: dict[str, Any], *, resume: bool
) -> Result:
    request = bench.request(row.name, call.pictures, preset=call.preset, **choices)
    stored, *_ = distributed.gathered([_stored(bench, row, call, request) if resume else None])
    if stored:
        return stored
    if size := bench.size_on_disk(request):
        console.tell(
            f"{row.name} of {len(request.images):,} pictures: {size / 2**20:.1f} MiB on disk."
        )
    result: Result = console.follow(bench.follow(request), f"{row.name} {call.preset}")
    if call.folder and distributed.process().rank == 0:
        bench.save(result, call.folder)
    return result


def _stored(
    bench: Workbench, row: Analysis[Any], call: Call, request: Request[Any]
) -> Result | None:
    """The result of this request that --out already holds, None where it holds none, or one that a
    kill left damaged."""
    if call.folder is None or not (call.folder / f"{row.name}.json").is_file():
        return None
    try:
        result: Result = files.load(call.folder, row.name, vouched=True)
    except DataError:
        return None
    return result if bench.answers(result, request) else None


if __name__ == "__main__":
    sys.exit(main())
