"""Which kernels matter: importance against depth, class, R², size and strength.

Protocol: analysis `importance`, seed 0, all blocks, 256 test pictures drawn by seed 0, class by
class in turn, in two halves of 128; a kernel's importance is the mean of both halves'
Jensen–Shannon divergences in bits, each picture's own first class is its target. Reliability is
Spearman's ρ of the halves. R², size (90 % of the energy) and strength (Σw² times the square of
what batch norm scales by) are those of `kernels`; their ρ with importance is taken within each
block. A class's rank is the mean over its kernels of the share of its block's other kernels that
matter less; beside it the 95 % range of 1,000 shuffles of the classes within the blocks, by seed
0: outside it a class matters more, or less, than its block's kernels do. Ten random tenths of all
kernels are switched off at once, against the sums of their kernels' single effects. One training
run a preset: nothing here goes beyond these runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from convmixer_viz import IMPORTANCE, KERNELS, Importance, KernelAtlas, Workbench
from tests.findings.samples import draw, markdown

PRESETS = (
    *(f"cifar10-128-8-k{kind}" for kind in ("5", "3", "9", "5-relu", "5-plain", "5-p4")),
    "cifar10-256-8",
)
PICTURES, SHUFFLES = 256, 1000
Floats = NDArray[np.floating[Any]]


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's tables, and whether single effects add up."""
    atlas = bench.run(KERNELS, preset=preset)
    halves = list(measured(bench, preset, draw(test, PICTURES), out))
    yield f"weights {atlas.origin.weights_sha256[:12]}, {sum(h.pictures for h in halves)} pictures"
    importance = np.mean([half.divergence for half in halves], axis=0)
    yield f"Reliability: ρ {spearmanr(*(h.divergence.ravel() for h in halves)).statistic:.3f}."
    yield by_block(atlas, importance, np.mean([half.logit_change for half in halves], axis=0))
    if atlas.decidable:
        yield by_class(atlas.code, atlas.class_names, importance)
    yield sums(halves)


def measured(
    bench: Workbench, preset: str, pictures: Sequence[Path], out: Path
) -> Iterator[Importance]:
    """The halves' results; one that was measured before is read."""
    middle = len(pictures) // 2
    for number, half in enumerate((pictures[:middle], pictures[middle:]), 1):
        request = bench.request(IMPORTANCE, list(map(str, half)), preset=preset)
        folder = out / f"importance-{preset}-{number}"
        if folder.is_dir():
            kept = bench.load(folder, IMPORTANCE)
            if bench.answers(kept, request):
                yield kept
                continue
        result = bench.finish(request)
        bench.save(result, folder)
        yield result


def by_block(atlas: KernelAtlas, importance: Floats, change: Floats) -> str:
    """A column a block: how much its kernels matter, how unevenly, and what goes with it."""
    strength = atlas.energy * atlas.norm_scale**2
    rows = {
        "sum of importance (bits)": importance.sum(1),
        "median (bits)": np.median(importance, axis=1),
        "share of its top tenth": np.array([top_share(values) for values in importance]),
        "mean change of the logit": change.mean(1),
        "ρ with R²": within(importance, atlas.r2),
        "ρ with size": within(importance, atlas.effective_size_90),
        "ρ with strength": within(importance, strength),
    }
    head = ["", *(f"block {block}" for block in atlas.blocks)]
    table = [[name, *(f"{value:.3g}" for value in values)] for name, values in rows.items()]
    return markdown([head, *table])


def top_share(values: Floats) -> float:
    """What the most important tenth of the kernels hold of the sum."""
    count = max(1, round(len(values) / 10))
    return float(np.sort(values)[::-1][:count].sum() / max(values.sum(), 1e-300))


def within(importance: Floats, statistic: Floats) -> Floats:
    """Spearman's ρ in each block, 0 where a statistic is constant."""
    pairs = zip(importance, statistic, strict=True)
    return np.array([spearmanr(a, b).statistic if np.ptp(b) else 0.0 for a, b in pairs])


def by_class(code: NDArray[np.int64], names: Sequence[str], importance: Floats) -> str:
    """A row a class: how many kernels, their mean rank within their blocks, and shuffles' range."""
    ranks = (rankdata(importance, axis=1) - 1) / (importance.shape[1] - 1)
    shuffled, generator = np.zeros((SHUFFLES, len(names))), np.random.default_rng(0)
    for chance in shuffled:
        chance[:] = mean_ranks(generator.permuted(code, axis=1), ranks, len(names))
    ranges = np.percentile(shuffled, (2.5, 97.5), axis=0)
    values, counts = mean_ranks(code, ranks, len(names)), np.bincount(code.ravel())
    rows = [["class", "kernels", "mean rank", "shuffled"]]
    for number in np.flatnonzero(counts).tolist():
        low, high = ranges[:, number]
        row = [f"{counts[number]}", f"{values[number]:.3f}", f"{low:.3f} to {high:.3f}"]
        rows.append([names[number], *row])
    return markdown(rows)


def mean_ranks(code: NDArray[np.int64], ranks: Floats, classes: int) -> Floats:
    """(classes,) Mean rank of each class's kernels, 0 where it has none."""
    counts = np.bincount(code.ravel(), minlength=classes)
    totals = np.bincount(code.ravel(), ranks.ravel(), minlength=classes)
    return np.asarray(totals / np.maximum(counts, 1))


def sums(halves: Sequence[Importance]) -> str:
    """Ten random tenths off at once against the sums of single effects."""
    bits, logits = (
        np.mean([getattr(half, name) for half in halves], axis=0)
        for name in ("tenth_divergence", "tenth_logit_change")
    )
    rows = [["a random tenth off", "divergence (bits)", "change of the logit"]]
    for name, bit, logit in zip(("at once", "sum of single effects"), bits, logits, strict=True):
        spans = [f"{v.mean():.3g} ({v.min():.3g} to {v.max():.3g})" for v in (bit, logit)]
        rows.append([name, *spans])
    return markdown(rows)
