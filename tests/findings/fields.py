"""How far the blocks of shipped presets see, trained and untrained.

Protocol: three test pictures of each class drawn by the common seed, 128 px, centre token, all
blocks. Measured: the sum of channels; σ of the square reduction and the radius that holds 90 % of
the absolute one, in pixels. Untrained: the same on three twins (seeds 0, 1, 2; batch norm
calibrated at 128 px), their range. Structure: σ for random channel signs against the prediction
from the weights alone and the null model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import RECEPTIVE_FIELD, Workbench
from tests.findings import kernels, samples
from tests.findings.samples import Journal, Line, markdown

PRESETS = kernels.PRESETS
SIDE, SEEDS, PER_CLASS = 128, (0, 1, 2), 3
RUNS: dict[str, dict[str, Any]] = {"trained": {}, "signs": {"scalar": "signs"}}
RUNS |= {f"twin {seed}": {"random": seed} for seed in SEEDS}
Floats = NDArray[np.float64]


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's table; what OUT holds of it isn't computed again."""
    classes = sum(place.is_dir() for place in test.iterdir())
    pictures = samples.draw(test, PER_CLASS * classes)
    weights = bench.model(preset).weights_sha256
    journal = Journal(out / f"fields-{preset}-{weights[:8]}-seed-{samples.SEED}.jsonl")
    for run, options in RUNS.items():
        if not journal.find(run=run):
            choices = {"preset": preset, "resolution": SIDE} | options
            result = bench.run(RECEPTIVE_FIELD, pictures, **choices)
            names = ("blocks", "sigma_square", "radius", "weights_only", "null")
            journal.add({"run": run} | {name: getattr(result, name) for name in names})
    yield f"weights {weights[:12]}, {len(pictures)} pictures"
    yield table(journal.lines)
    yield summary(journal.lines)


def table(lines: Sequence[Line]) -> str:
    """A row a number of the protocol, a column a block."""
    trained, signed = (_only(lines, run) for run in ("trained", "signs"))
    untrained, radii = _twins(lines, "sigma_square"), _twins(lines, "radius")[..., 1]
    rows = {
        "σ, trained": _cells(trained["sigma_square"]),
        "σ, untrained": _range(untrained),
        "trained / untrained": _cells(_over_untrained(lines)),
        "radius of 90 %, trained": _cells(np.array(trained["radius"])[:, 1]),
        "radius of 90 %, untrained": _range(radii),
        "σ, random signs": _cells(signed["sigma_square"]),
        "σ, from the weights alone": _cells(signed["weights_only"]),
        "σ, null model": _cells(signed["null"]),
    }
    head = ["px", *(f"block {block}" for block in trained["blocks"])]
    return markdown([head, *([name, *cells] for name, cells in rows.items())])


def summary(lines: Sequence[Line]) -> str:
    """The first and the last block in a sentence."""
    trained, ratio = _only(lines, "trained"), _over_untrained(lines)
    first, last = trained["blocks"].index(1), -1
    sigma = trained["sigma_square"]
    return (
        f"σ {sigma[first]:.2f} px, {sigma[last]:.2f} px; "
        f"over untrained {ratio[first]:.2f}, {ratio[last]:.2f}"
    )


def _over_untrained(lines: Sequence[Line]) -> Floats:
    """Trained σ over the mean of the twins'; none for the stem, whose σ is 0."""
    mean = _twins(lines, "sigma_square").mean(0)
    trained = np.array(_only(lines, "trained")["sigma_square"])
    return np.where(mean > 0, trained / np.where(mean > 0, mean, 1), np.nan)


def _only(lines: Sequence[Line], run: str) -> Line:
    return next(line for line in lines if line["run"] == run)


def _twins(lines: Sequence[Line], name: str) -> Floats:
    return np.array([_only(lines, f"twin {seed}")[name] for seed in SEEDS])


def _cells(values: Sequence[float] | Floats) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.2f}" for value in values]


def _range(values: Floats) -> list[str]:
    return [f"{low:.2f}–{high:.2f}" for low, high in zip(values.min(0), values.max(0), strict=True)]
