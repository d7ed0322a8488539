"""How far the blocks of shipped presets see, trained and untrained:

    python -m tests.findings.fields TEST_FOLDER PRESET…

Protocol: the first three pictures of each class in name order, 128 px, centre token, all blocks.
Measured: the sum of channels; σ of the square reduction and the radius that holds 90 % of the
absolute one, in pixels. Untrained: the same on three twins (seeds 0, 1, 2; batch norm calibrated at
128 px), their range. Structure: σ for random channel signs against the prediction from the weights
alone and the null model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import RECEPTIVE_FIELD, ReceptiveField, Workbench
from tests.findings.faithfulness import pictures

SIDE, SEEDS, PER_CLASS = 128, (0, 1, 2), 3


def table(trained: ReceptiveField, signed: ReceptiveField, twins: Sequence[ReceptiveField]) -> str:
    """A row a number of the protocol, a column a block."""
    untrained = np.stack([twin.sigma_square for twin in twins])
    radii = np.stack([twin.radius[:, 1] for twin in twins])
    mean, nothing = untrained.mean(0), np.full(len(trained.blocks), np.nan)  # the stem's σ is 0
    rows = {
        "σ, trained": _cells(trained.sigma_square),
        "σ, untrained": _range(untrained),
        "trained / untrained": _cells(
            np.divide(trained.sigma_square, mean, out=nothing, where=mean > 0)
        ),
        "radius of 90 %, trained": _cells(trained.radius[:, 1]),
        "radius of 90 %, untrained": _range(radii),
        "σ, random signs": _cells(signed.sigma_square),
        "σ, from the weights alone": _cells(signed.weights_only),
        "σ, null model": _cells(signed.null),
    }
    heads = ["px", *(f"block {block}" for block in trained.blocks)]
    lines = [heads, ["---"] * len(heads), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(values: NDArray[np.float64]) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.2f}" for value in values]


def _range(values: NDArray[np.float64]) -> list[str]:
    return [f"{low:.2f}–{high:.2f}" for low, high in zip(values.min(0), values.max(0), strict=True)]


if __name__ == "__main__":
    folder, presets = Path(sys.argv[1]), sys.argv[2:]
    classes = sum(place.is_dir() for place in folder.iterdir())
    chosen = pictures(folder, PER_CLASS * classes)
    bench = Workbench()
    for preset in presets:
        options: dict[str, Any] = {"preset": preset, "resolution": SIDE}
        trained = bench.run(RECEPTIVE_FIELD, chosen, **options)
        signed = bench.run(RECEPTIVE_FIELD, chosen, scalar="signs", **options)
        twins = [bench.run(RECEPTIVE_FIELD, chosen, random=seed, **options) for seed in SEEDS]
        assert trained.provenance is not None
        weights = trained.provenance.weights_sha256[:12]
        print(f"\n### {preset}, weights {weights}, {len(chosen)} pictures\n", flush=True)
        print(table(trained, signed, twins), flush=True)
    bench.close()
