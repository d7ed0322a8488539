"""Scores of every valid method over test pictures of a shipped preset:

    python -m tests.findings.faithfulness PRESET TEST_FOLDER OUT [--randomisation]

Protocol: the first pictures of each class in name order, class by class in turn; 100 of them, 25
for RISE and KernelSHAP, 20 for the randomisation test (5 for those two and occlusion); target: the
predicted class; all options at their defaults, the picture's number as the seed. Each score goes
to OUT as a line at once: a run that is cut off goes on where it was. Ends with the table, means ±
95 % intervals over pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import FAITHFULNESS, Workbench
from convmixer_viz.analyses.attribution.scores.removal import BASELINES, ORDERS
from convmixer_viz.contract import plain
from convmixer_viz.questions.attribution import METHODS
from convmixer_viz.questions.faithfulness import DEFAULT_MEASURES

COUNTS = {False: (100, 25), True: (20, 5)}  # pictures, and of the slow methods
SLOW = {False: ("rise", "kernel-shap"), True: ("rise", "kernel-shap", "occlusion")}
FIELDS = (
    "picture",
    "method",
    "valid",
    "validity",
    "completeness",
    "complexity",
    "deletion_area",
    "insertion_area",
    "road",
    "infidelity",
    "randomisation",
    "stages",
)
Lines = list[dict[str, Any]]


def pictures(folder: Path, count: int) -> list[Path]:
    """The first of each class, class by class in turn."""
    classes = [sorted(each.iterdir()) for each in sorted(folder.iterdir()) if each.is_dir()]
    return [classes[i % len(classes)][i // len(classes)] for i in range(count)]


def measure(preset: str, folder: Path, out: Path, randomisation: bool) -> Lines:
    """All lines of the file: those that are there, and the missing ones as they come."""
    bench = Workbench()
    sha256 = bench.model(preset).weights_sha256[:8]
    kind = "-randomisation" if randomisation else ""
    file = out / f"{preset}-{sha256}{kind}.jsonl"
    lines = [json.loads(text) for text in file.read_text().splitlines()] if file.exists() else []
    known = {(line["picture"], line["method"]) for line in lines}
    with file.open("a", encoding="utf-8") as sink:
        for number, path, method in _plan(folder, randomisation):
            name = f"{path.parent.name}/{path.name}"
            if (name, method) in known or _is_another_map(lines, method):
                continue
            measures = ("randomisation",) if randomisation else DEFAULT_MEASURES
            choices: dict[str, Any] = {"method": method, "measures": measures, "seed": number}
            result = bench.run(FAITHFULNESS, [path], preset=preset, **choices)
            lines.append({field: getattr(result, field) for field in FIELDS} | {"picture": name})
            print(json.dumps(lines[-1], default=plain), file=sink, flush=True)
            lines[-1] = json.loads(json.dumps(lines[-1], default=plain))
            print(f"{preset}: {number + 1} {method}", file=sys.stderr)
    return lines


def _plan(folder: Path, randomisation: bool) -> Iterator[tuple[int, Path, str]]:
    many, few = COUNTS[randomisation]
    for number, path in enumerate(pictures(folder, many)):
        for method in METHODS:
            if number < few or method not in SLOW[randomisation]:
                yield number, path, method


def _is_another_map(lines: Lines, method: str) -> bool:
    """Whether the first picture showed that the method isn't what it says on this preset."""
    return any(line["method"] == method and not line["valid"] for line in lines)


def table(lines: Lines) -> str:
    """Areas under the curves, ROAD, infidelity and completeness of each method and control."""
    scores = {method: _scores(_of(lines, method), 0) for method in METHODS}
    fullest = max(METHODS, key=lambda method: len(_of(lines, method)))
    for number, control in enumerate(ORDERS[1:], 1):
        scores[control] = _scores(_of(lines, fullest), number)
    rows = [f"| {name} | {' | '.join(cells)} |" for name, cells in scores.items() if cells]
    curves = [f"{name}, {b}" for name in ("deletion", "insertion") for b in BASELINES]
    heads = ["method", "pictures", *curves, "ROAD", "infidelity", "completeness error, median"]
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows])


def _of(lines: Lines, method: str) -> Lines:
    return [line for line in lines if line["method"] == method and line["valid"]]


def _scores(lines: Lines, order: int) -> list[str]:
    """The cells of a row; `order` 0 is the method, the others are controls."""
    if not lines:
        return []
    cells = [str(len(lines))]
    for name in ("deletion_area", "insertion_area"):
        areas = np.array([line[name] for line in lines])  # (pictures, baselines, orders)
        cells += [interval(areas[:, b, order]) for b in range(len(BASELINES))]
    if order:
        return [*cells, "", "", ""]
    cells += [interval(np.array([line[name] for line in lines])) for name in ("road", "infidelity")]
    errors = [line["completeness"] for line in lines if line["completeness"] is not None]
    return [*cells, f"{np.median(errors):.2%}" if errors else ""]


def interval(values: NDArray[np.float64]) -> str:
    """Mean ± half of the 95 % interval."""
    spread = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.3f} ± {spread:.3f}"


def curves(lines: Lines) -> str:
    """Mean rank correlation with the original map after each stage of the randomisation."""
    stages = next(line["stages"] for line in lines if line["valid"])
    rows = [["method", "pictures", *stages], ["---"] * (2 + len(stages))]
    for method in METHODS:
        correlations = np.array([line["randomisation"] for line in _of(lines, method)])
        if len(correlations):
            means = correlations.mean(0)
            rows.append([method, str(len(correlations)), *(f"{value:.2f}" for value in means)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("preset")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--randomisation", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = measure(arguments.preset, arguments.folder, arguments.out, arguments.randomisation)
    print((curves if arguments.randomisation else table)(lines))
