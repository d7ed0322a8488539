"""The command line: one subcommand per row of the catalog, and those of commands/."""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from convmixer_viz import catalog, commands, flags, images, weights
from convmixer_viz.commands import console
from convmixer_viz.contract import Analysis, Result
from convmixer_viz.errors import ChoiceError, VizError
from convmixer_viz.images import DecodedImage
from convmixer_viz.presets import DEFAULT

if TYPE_CHECKING:
    from convmixer_viz.workbench import Workbench

STOPPED = 130


class Job(NamedTuple):
    """One call of the workbench, and the folder its files go to."""

    preset: str
    pictures: tuple[DecodedImage, ...]
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
        return int(arguments.run(arguments) or 0)
    except VizError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser("convmixer-viz", description="See what is inside a ConvMixer.")
    rows = parser.add_subparsers(required=True, metavar="COMMAND")
    for row in catalog.CATALOG.values():
        command = rows.add_parser(row.name, help=row.summary, description=row.summary)
        if row.name in argv[:1]:  # only the one in use imports its module
            _add_flags(command, row)
    for register in commands.COMMANDS:
        register(rows)
    return parser


def _add_flags(command: argparse.ArgumentParser, row: Analysis) -> None:
    pictures = "path, folder, gallery:NAME or - for standard input; none: the preset's own"
    if row.images != "none":
        command.add_argument("pictures", nargs="*", metavar="IMAGE", help=pictures)
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


def _run(row: Analysis, arguments: argparse.Namespace) -> None:
    options = flags.given(arguments, row.options)
    names = (arguments.presets or arguments.preset or DEFAULT).split(",")
    if not arguments.weights:
        _check(row, options, names)
    texts = images.expand(getattr(arguments, "pictures", []))
    pictures = tuple(images.load(text) for text in texts)
    from convmixer_viz.workbench import Workbench  # not before: torch takes seconds

    bench = Workbench(arguments.device)
    with closing(bench), console.interruptible():
        if arguments.weights:
            names = [_own(bench, arguments)]
        results = [
            _result(bench, row, job, options | _how(arguments), resume=arguments.resume)
            for job in _jobs(row, names, pictures, arguments.out)
        ]
    console.show(results, as_json=arguments.json)


def _check(row: Analysis, options: dict[str, Any], names: Sequence[str]) -> None:
    """Everything that can be wrong without torch is said before torch is imported."""
    chosen = catalog.options(row, options)
    known = weights.known()
    for name in names:
        preset = catalog.preset(name, known)
        catalog.fit(chosen, preset, weights.class_names(preset))


def _how(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"random": arguments.random, "mode": arguments.mode}


def _own(bench: Workbench, arguments: argparse.Namespace) -> str:
    """The file of --weights as a preset of its own, or in the place of --preset's tensors."""
    name = f"{arguments.preset or ''}{'+' if arguments.preset else ''}{arguments.weights.name}"
    _, assumed = bench.add(name, arguments.weights, like=arguments.preset)
    for sentence in assumed:
        print(sentence, file=sys.stderr)
    return name


def _jobs(
    row: Analysis, names: Sequence[str], pictures: tuple[DecodedImage, ...], out: Path | None
) -> Iterator[Job]:
    single = row.images == "one" and len(pictures) > 1
    groups = [(picture,) for picture in pictures] if single else [pictures]
    stems = _numbered([Path(group[0].name).stem for group in groups] if single else [""])
    for name in names:
        for stem, group in zip(stems, groups, strict=True):
            folder = out and out / (name if len(names) > 1 else "") / stem
            yield Job(name, group, folder)


def _numbered(stems: Sequence[str]) -> list[str]:
    """cat, dog, cat → cat, dog, cat-2."""
    seen: Counter[str] = Counter()
    numbered = []
    for stem in stems:
        seen[stem] += 1
        numbered.append(stem if seen[stem] == 1 else f"{stem}-{seen[stem]}")
    return numbered


def _result(
    bench: Workbench, row: Analysis, job: Job, choices: dict[str, Any], *, resume: bool
) -> Result:
    request = bench.request(row.name, job.pictures, preset=job.preset, **choices)
    if resume and job.folder and (job.folder / f"{row.name}.json").is_file():
        held: Result = bench.load(job.folder)
        if bench.answers(held, request):
            return held
    result: Result = console.follow(bench.follow(request), f"{row.name} {job.preset}")
    if job.folder:
        bench.save(result, job.folder)
    return result


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
