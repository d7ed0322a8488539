"""python -m tests.findings NAME|all [--presets …] [--test FOLDER] [--out FOLDER]"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from convmixer_viz import Workbench
from tests.findings import (
    edits,
    faithfulness,
    fields,
    importance,
    kernels,
    picture_edits,
    survey,
)

Report = Callable[[Workbench, str, Path, Path], Iterator[str]]

FINDINGS: dict[str, tuple[Report, tuple[str, ...], str | None]] = {
    "kernels": (kernels.report, kernels.PRESETS, kernels.__doc__),
    "fields": (fields.report, fields.PRESETS, fields.__doc__),
    "faithfulness": (faithfulness.report, faithfulness.PRESETS, faithfulness.__doc__),
    "edits": (edits.report, edits.PRESETS, edits.__doc__),
    "picture-edits": (picture_edits.report, picture_edits.PRESETS, picture_edits.__doc__),
    "importance": (importance.report, importance.PRESETS, importance.__doc__),
    "survey": (survey.report, survey.PRESETS, survey.__doc__),
    "randomisation": (
        faithfulness.report_randomisation,
        ("cifar10-128-8-k5-relu", "cifar10-128-8-k5"),
        faithfulness.__doc__,
    ),
}


def arguments(line: list[str] | None = None) -> argparse.Namespace:
    """What a person typed."""
    data = Path(os.environ.get("CONVMIXER_VIZ_DATA", "data"))
    parser = argparse.ArgumentParser(prog="python -m tests.findings")
    parser.add_argument("name", choices=[*FINDINGS, "all"])
    parser.add_argument("--presets", nargs="+", help="others than the finding's own")
    parser.add_argument("--test", type=Path, default=data / "cifar10/test", help="test pictures")
    out = "where measurements are kept: a run that is cut off goes on from there"
    parser.add_argument("--out", type=Path, default=Path("findings"), help=out)
    return parser.parse_args(line)


def main(chosen: argparse.Namespace) -> None:
    """Print the protocol and the tables of one finding, or of all."""
    whole = chosen.test.parent  # its train/ is a data set, too
    with closing(Workbench("cpu", data={whole.name: whole})) as bench:
        for name in FINDINGS if chosen.name == "all" else (chosen.name,):
            report, presets, protocol = FINDINGS[name]
            print(f"\n# {name}\n\n{protocol}")
            for preset in chosen.presets or presets:
                print(f"\n## {preset}\n", flush=True)
                for part in report(bench, preset, chosen.test, chosen.out):
                    print(f"{part}\n", flush=True)


if __name__ == "__main__":
    main(arguments())
