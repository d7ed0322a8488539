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
from convmixer_viz.contract import Analysis, Result
from convmixer_viz.engine import distributed
from convmixer_viz.errors import ChoiceError, VizError
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.presets import table
from convmixer_viz.presets.table import DEFAULT
from convmixer_viz.weights import locate

if TYPE_CHECKING:
    from convmixer_viz.request import Request
    from convmixer_viz.workbench import Workbench

STOPPED = 130
UNREAD = 141  # as a shell counts what SIGPIPE ended


class Job(NamedTuple):
    """One call of the workbench, and the folder its files go to."""

    preset: str
    pictures: Sequence[Picture]
    folder: Path | None


class Parser(argparse.ArgumentParser):
    """Wrong arguments are one sentence and exit 2, as every other mistake."""

    def error(self, message: str) -> Any:
        raise ChoiceError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0, or 2 with one sentence on standard error, or 130 when interrupted."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = _parser(argv).parse_args(argv)
        code = int(arguments.run(arguments) or 0)
        sys.stdout.flush()
        return code
    except VizError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # … | head has seen enough: what is still to be flushed goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser("convmixer-viz", description="See what is inside a ConvMixer.")
    rows = parser.add_subparsers(required=True, metavar="COMMAND")
    for row in catalog.ANALYSES.values():
        command = rows.add_parser(row.name, help=row.summary, description=row.summary)
        if row.name in argv[:1]:  # only the one in use imports its module
            _add_flags(command, row)
    for register in commands.COMMANDS:
        register(rows)
    return parser


def _add_flags(command: argparse.ArgumentParser, row: Analysis[Any]) -> None:
    says = "path, folder, gallery:NAME or - for standard input; none: the preset's own"
    if row.images != "none":
        command.add_argument("pictures", nargs="*", metavar="IMAGE", help=says)
    add = command.add_argument
    which = command.add_mutually_exclusive_group()
    which.add_argument("--preset", metavar="NAME", help=f"which model (default: {DEFAULT})")
    which.add_argument("--presets", metavar="A,B", help="several models, separated by commas")
    add("--weights", type=Path, metavar="FILE", help="a weights file, alone or for --preset")
    add("--random", type=int, metavar="SEED", help="the untrained twin instead of the weights")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:n (default: auto)")
    add("--mode", choices=("exact", "fast"), default="exact", help="exact is float32 (default)")
    add("--out", type=Path, metavar="DIR", help="write npz, json, csv and html there")
    add("--resume", action="store_true", help="keep what --out already holds of this request")
    add("--json", action="store_true", help="print JSON instead of a table")
    flags.add(command, row.options)
    command.set_defaults(run=lambda arguments: _run(row, arguments))


def _run(row: Analysis[Any], arguments: argparse.Namespace) -> None:
    if distributed.process()[1] > 1 and not row.shared:
        raise ChoiceError(f"{row.name} runs in one process: start it without torchrun.")
    if arguments.weights and arguments.presets:
        raise ChoiceError("--weights takes the place of one --preset, not of --presets.")
    names = (arguments.presets or arguments.preset or DEFAULT).split(",")
    if not arguments.weights:
        _check(row, flags.read(arguments, row.options), names)
    with distributed.joined():
        chosen = pictures.read(getattr(arguments, "pictures", []))
        results = _results(row, arguments, names, chosen)
    if distributed.process()[0] == 0:
        console.show(results, as_json=arguments.json)


def _results(
    row: Analysis[Any], arguments: argparse.Namespace, names: list[str], chosen: Sequence[Picture]
) -> list[Result]:
    from convmixer_viz.workbench import Workbench  # not before: torch takes seconds

    choices = flags.read(arguments, row.options)
    choices |= {"random": arguments.random, "mode": arguments.mode}
    bench = Workbench(distributed.place(arguments.device))
    with closing(bench), console.interruptible():
        if arguments.weights:
            names = [_own(bench, arguments)]
        jobs = _jobs(row, names, chosen, arguments.out)
        return [_result(bench, row, job, choices, resume=arguments.resume) for job in jobs]


def _check(row: Analysis[Any], options: dict[str, Any], names: Sequence[str]) -> None:
    """Everything that can be wrong without torch is said before torch is imported."""
    chosen = request.read_options(row, options)
    known = locate.known()
    for name in names:
        preset = table.find(name, known)
        request.fit(chosen, preset, locate.class_names(preset))


def _own(bench: Workbench, arguments: argparse.Namespace) -> str:
    """The file of --weights as a preset of its own, or in the place of --preset's tensors."""
    name = f"{arguments.preset or ''}{'+' if arguments.preset else ''}{arguments.weights.name}"
    _, assumed = bench.add(name, arguments.weights, like=arguments.preset)
    for sentence in assumed:
        print(sentence, file=sys.stderr)
    return name


def _jobs(
    row: Analysis[Any], names: Sequence[str], chosen: Sequence[Picture], out: Path | None
) -> Iterator[Job]:
    single = row.images == "one" and len(chosen) > 1
    groups: list[Sequence[Picture]] = [[one] for one in chosen] if single else [chosen]
    stems = _numbered([Path(group[0].name).stem for group in groups] if single else [""])
    for name in names:
        for stem, group in zip(stems, groups, strict=True):
            folder = out and out / (name if len(names) > 1 else "") / stem
            yield Job(name, group, folder)


def _numbered(stems: Sequence[str]) -> list[str]:
    """cat, dog, cat → cat, dog, cat-2."""
    numbered: dict[str, None] = {}
    for stem in stems:
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        numbered[next(name for name in names if name not in numbered)] = None
    return list(numbered)


def _result(
    bench: Workbench, row: Analysis[Any], job: Job, choices: dict[str, Any], *, resume: bool
) -> Result:
    request = bench.request(row.name, job.pictures, preset=job.preset, **choices)
    held, *_ = distributed.gathered([_held(bench, row, job, request) if resume else None])
    if held:
        return held
    result: Result = console.follow(bench.follow(request), f"{row.name} {job.preset}")
    if job.folder and distributed.process()[0] == 0:
        bench.save(result, job.folder)
    return result


def _held(bench: Workbench, row: Analysis[Any], job: Job, request: Request[Any]) -> Result | None:
    """What --out already holds of this request."""
    if job.folder is None or not (job.folder / f"{row.name}.json").is_file():
        return None
    held: Result = bench.load(job.folder, row.name)
    return held if bench.answers(held, request) else None


if __name__ == "__main__":
    sys.exit(main())
