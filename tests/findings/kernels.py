"""What the kernels of shipped presets have in common, by block, against random layers.

Protocol: analyses `structure` and `formation`, seed 0, all blocks. The band is the one that
`structure` gives: 2.5 to 97.5 percentiles of random layers of the same shape. A number has a trend
where Spearman's |ρ| with the block is at least 0.74 (p < 0.05 for eight blocks). Sizes, ranks and
ratios of presets with different kernels are compared as shares of k or k². One training run a
preset: nothing here goes beyond these runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from convmixer_viz import FORMATION, STRUCTURE, Formation, Structure, Workbench
from convmixer_viz.weights import history
from tests.findings.samples import markdown

PRESETS = tuple(f"cifar10-128-8-k{kind}" for kind in ("5", "3", "9", "5-relu", "5-plain", "5-p4"))
TREND = 0.74
Floats = NDArray[np.floating[Any]]


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's table, and how its kernels formed."""
    structure = bench.run(STRUCTURE, preset=preset)
    yield f"k = {structure.kernel_size}, weights {structure.origin.weights_sha256[:12]}"
    yield table(structure)
    if structure.decidable:
        yield f"Kernels with a class: {with_a_class(structure)} of a block."
        if history.find(bench.presets[preset]):
            yield formed(bench.run(FORMATION, preset=preset))


def numbers(structure: Structure) -> dict[str, tuple[Floats, Floats]]:
    """Name → values by block, and the lower and upper end of the random band, (2, blocks)."""
    k, area = structure.kernel_size, structure.kernel_size**2
    pairs = {
        "mean R² of the best template": ("mean_r2", 1),
        "effective size, 50 % / k": ("mean_effective_size_50", k),
        "effective size, 90 % / k": ("mean_effective_size_90", k),
        "border share": ("mean_border_share", 1),
        "low-frequency share": ("mean_low_frequency_share", 1),
        "180° parity": ("mean_parity", 1),
        "covariance participation / k²": ("covariance_participation_ratio", area),
        "covariance rank / k²": ("covariance_rank", area),
        "entropy": ("entropy", 1),
        "sparsity": ("sparsity", 1),
    }
    table = {
        name: (getattr(structure, field) / unit, getattr(structure, f"{field}_band").T / unit)
        for name, (field, unit) in pairs.items()
    }
    if structure.decidable:
        other = structure.class_names.index("other")
        shares, band = structure.class_shares, structure.class_shares_band
        table["share with a class"] = (1 - shares[:, other], 1 - band[:, other, ::-1].T)
        for number, name in enumerate(structure.class_names[:other]):
            table[f"share of {name}"] = (shares[:, number], band[:, number].T)
    return table


def table(structure: Structure) -> str:
    """A row a number: its blocks, the band, how many blocks lie outside it, the trend."""
    blocks = [f"block {block}" for block in structure.blocks]
    rows = [["", *blocks, "random", "above", "below", "trend"]]
    for name, (values, band) in numbers(structure).items():
        rho = spearmanr(structure.blocks, values).statistic if np.ptp(values) else 0.0
        trend = f"ρ {rho:+.2f}" if abs(rho) >= TREND else "none"
        span = f"{band[0].min():.3f} to {band[1].max():.3f}"
        outside = [str(int((values > band[1]).sum())), str(int((values < band[0]).sum()))]
        rows.append([name, *(f"{value:.3f}" for value in values), span, *outside, trend])
    return markdown(rows)


def with_a_class(structure: Structure) -> str:
    """The lowest and the highest share of a block's kernels with a class, each rounded once."""
    shares = 1 - structure.class_shares[:, structure.class_names.index("other")]
    return f"{100 * shares.min():.0f} to {100 * shares.max():.0f} %"


def formed(formation: Formation) -> str:
    """How the share of kernels with a class grew over the epochs, and when they settled."""
    other = formation.class_names.index("other")
    shares = (formation.code < other).mean((1, 2))
    by_epoch = [
        f"{epoch}: {share:.0%}" for epoch, share in zip(formation.epochs, shares, strict=True)
    ]
    settled = formation.settled[formation.code[-1] < other]
    since = f"; half of them settled by epoch {np.median(settled):g}" if len(settled) else ""
    return f"Kernels with a class by epoch: {', '.join(by_epoch)}{since}."
