"""Which attribution maps hold up: scores of every valid method over test pictures.

Protocol: pictures of each class drawn by the common seed, class by class in turn; 100 of them, 25
for RISE and KernelSHAP, 20 for the randomisation test (5 for those two and occlusion); target: the
predicted class; all options at their defaults, the picture's number as the seed. Means ± 95 %
intervals over pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import FAITHFULNESS, Workbench
from convmixer_viz.analyses.attribution.scores.removal import BASELINES, ORDERS
from convmixer_viz.questions.attribution import METHODS
from convmixer_viz.questions.faithfulness import DEFAULT_MEASURES
from tests.findings import samples
from tests.findings.samples import Journal, Line, markdown

PRESETS = ("cifar10-128-8-k5", "cifar10-256-8", "cifar10-128-8-k5-relu")
COUNTS = {False: (100, 25), True: (20, 5)}  # pictures, and of the slow methods
SLOW = {False: ("rise", "kernel-shap"), True: ("rise", "kernel-shap", "occlusion")}
FIELDS = (
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
CURVES = [(name, baseline) for name in ("deletion", "insertion") for baseline in BASELINES]
Lines = Sequence[Line]
Floats = NDArray[np.float64]


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's table, how far sums miss what they promise, and which methods beat both
    controls."""
    lines = measure(bench, preset, test, out, randomisation=False)
    yield table(lines)
    yield completeness(lines)
    yield "\n".join(f"{curve}: {', '.join(names)}" for curve, names in beat_controls(lines).items())


def report_randomisation(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's table of the randomisation test."""
    yield curves(measure(bench, preset, test, out, randomisation=True))


def measure(
    bench: Workbench, preset: str, test: Path, out: Path, *, randomisation: bool
) -> list[Line]:
    """All lines of the journal: those that are there, and the missing ones as they come."""
    sha256 = bench.model(preset).weights_sha256[:8]
    kind = "randomisation" if randomisation else "faithfulness"
    journal = Journal(out / f"{kind}-{preset}-{sha256}-seed-{samples.SEED}.jsonl")
    measures = ("randomisation",) if randomisation else DEFAULT_MEASURES
    for number, path, method in _plan(test, randomisation):
        name = f"{path.parent.name}/{path.name}"
        if journal.find(picture=name, method=method) or journal.find(method=method, valid=False):
            continue  # an invalid one is another map under a false name on every picture
        choices: dict[str, Any] = {"method": method, "measures": measures, "seed": number}
        result = bench.run(FAITHFULNESS, [path], preset=preset, **choices)
        journal.add({"picture": name} | {field: getattr(result, field) for field in FIELDS})
        print(f"{preset}: {number + 1} {method}", file=sys.stderr)
    return journal.lines


def _plan(folder: Path, randomisation: bool) -> Iterator[tuple[int, Path, str]]:
    many, few = COUNTS[randomisation]
    for number, path in enumerate(samples.draw(folder, many)):
        for method in METHODS:
            if number < few or method not in SLOW[randomisation]:
                yield number, path, method


def table(lines: Lines) -> str:
    """Areas under the curves, ROAD and infidelity of each method and control."""
    scores = {method: _scores(_of(lines, method), 0) for method in METHODS}
    for number, control in enumerate(ORDERS[1:], 1):
        scores[control] = _scores(_of(lines, _fullest(lines)), number)
    names = [f"{name}, {baseline}" for name, baseline in CURVES]
    head = ["method", "pictures", *names, "ROAD", "infidelity"]
    return markdown([head, *([name, *cells] for name, cells in scores.items() if cells)])


def _of(lines: Lines, method: str) -> list[Line]:
    return [line for line in lines if line["method"] == method and line["valid"]]


def _fullest(lines: Lines) -> str:
    """The method with the most pictures: the controls don't depend on it."""
    return max(METHODS, key=lambda method: len(_of(lines, method)))


def _scores(lines: Lines, order: int) -> list[str]:
    """The cells of a row; `order` 0 is the method, the others are controls."""
    if not lines:
        return []
    cells = [str(len(lines)), *(interval(area) for area in _areas(lines, order))]
    if order:
        return [*cells, "", ""]
    scores = [np.array([line[name] for line in lines]) for name in ("road", "infidelity")]
    return [*cells, *map(interval, scores)]


def _areas(lines: Lines, order: int) -> Floats:
    """(CURVES, pictures)."""
    areas = [[line[f"{name}_area"] for line in lines] for name in ("deletion", "insertion")]
    chosen = np.array(areas)[..., order]  # (names, pictures, baselines)
    return chosen.transpose(0, 2, 1).reshape(len(CURVES), -1)


def interval(values: Floats) -> str:
    """Mean ± half of the 95 % interval."""
    return f"{values.mean():.3f} ± {half_width(values):.3f}"


def half_width(values: Floats) -> float:
    """Half of the mean's 95 % interval; not a number for a single value."""
    if len(values) < 2:
        return float("nan")
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def beat_controls(lines: Lines) -> dict[str, list[str]]:
    """By curve, the methods whose interval is apart from both controls', on the good side."""
    controls = [_areas(_of(lines, _fullest(lines)), order) for order in range(1, len(ORDERS))]
    measured = {method: _areas(_of(lines, method), 0) for method in METHODS if _of(lines, method)}
    return {
        f"{name}, {baseline}": [
            method
            for method, areas in measured.items()
            if all(_better(areas[i], control[i], low=name == "deletion") for control in controls)
        ]
        for i, (name, baseline) in enumerate(CURVES)
    }


def _better(values: Floats, control: Floats, *, low: bool) -> bool:
    gain = control.mean() - values.mean() if low else values.mean() - control.mean()
    return bool(gain > half_width(values) + half_width(control))


def completeness(lines: Lines) -> str:
    """By how much the sums of methods that promise it miss the score's difference."""
    sentences = []
    for method in METHODS:
        errors = [line["completeness"] for line in _of(lines, method)]
        known = np.array([error for error in errors if error is not None])
        if len(known):
            high = np.percentile(known, 95)
            sentences.append(f"{method}: median {np.median(known):.2%}, 95th percentile {high:.2%}")
    return "; ".join(sentences)


def curves(lines: Lines) -> str:
    """Mean rank correlation with the original map after each stage of the randomisation."""
    stages = next(line["stages"] for line in lines if line["valid"])
    rows = [["method", "pictures", *stages]]
    for method in METHODS:
        correlations = np.array([line["randomisation"] for line in _of(lines, method)])
        if len(correlations):
            means = correlations.mean(0)
            rows.append([method, str(len(correlations)), *(f"{value:.2f}" for value in means)])
    return markdown(rows)
