"""Two results → how far they agree and where they differ, in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lazy_loader as lazy
import numpy as np
from numpy.typing import NDArray

from convmixer_viz.errors import ChoiceError

Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

scipy: Any = lazy.load("scipy")
skimage: Any = lazy.load("skimage")

Box = tuple[float, float, float, float]  # left, top, right, bottom in the original picture, px
GRID = 16  # cells a side of the common grid
FEWEST_PICTURES = 4  # for CKA: n(n − 3) stands in the divisor
HIGHEST_CELLS = 26  # whose overlap is compared, a tenth of the grid
CONSTANT_BELOW = 1e-9  # of a Gram matrix's norm, left after centring


@dataclass(frozen=True, slots=True)
class MapAgreement:
    """How alike two maps on the common grid are; none where a map is constant."""

    spearman: float | None  # -1 … 1, by rank
    ssim: float | None  # -1 … 1, by structure
    overlap: float | None  # 0 … 1, of the highest tenth of the cells


@dataclass(frozen=True, slots=True, eq=False)
class PredictionAgreement:
    """How alike two presets with the same classes answer the same pictures."""

    top1: float  # share of pictures with the same first class
    logits: float | None  # mean over pictures of the correlation of logits, none where constant
    divergence: float  # mean Jensen–Shannon divergence, 0 … 1 bit
    each: Doubles  # (pictures,), the divergence
    order: NDArray[np.int64]  # (pictures,), the most disagreeing first


@dataclass(frozen=True, slots=True, eq=False)
class Cka:
    """Linear CKA, unbiased: 1 for equal up to turning and scale, about 0 ± spread for unrelated."""

    values: Doubles  # (blocks of a, blocks of b); 0 where a block is constant
    spread: float  # standard deviation that independent features would show
    constant: tuple[tuple[int, ...], tuple[int, ...]]  # rows of a, of b that are constant


def shared_box(boxes: Sequence[Box]) -> Box:
    """The part of the original picture that all saw."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    box = (max(lefts), max(tops), min(rights), min(bottoms))
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ChoiceError("These presets see no common part of the picture: choose others.")
    return box


def common_grid(values: Floats, box: Box, shared: Box) -> Doubles:
    """A map (h, w) over `box` as area-weighted sums on 16×16 cells over `shared`."""
    left, top, right, bottom = box
    down = _overlaps((top, bottom), values.shape[0], (shared[1], shared[3]))
    along = _overlaps((left, right), values.shape[1], (shared[0], shared[2]))
    return np.asarray(down @ values.astype(np.float64) @ along.T)


def difference(column: Floats, first: Floats) -> Floats:
    """Column minus first column."""
    return column - first


def maps(a: Floats, b: Floats) -> MapAgreement:
    """Three numbers for two maps on one grid."""
    return MapAgreement(spearman(a, b), ssim(a, b), overlap(a, b))


def spearman(a: Floats, b: Floats) -> float | None:
    """Correlation of ranks, ties averaged; none where a map is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    ranks = [scipy.stats.rankdata(values) for values in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def ssim(a: Floats, b: Floats) -> float | None:
    """Structural similarity of the maps divided by their largest |value|; none for a zero map."""
    largest = [float(np.abs(values).max()) for values in (a, b)]
    if 0 in largest:
        return None
    first, second = a / largest[0], b / largest[1]
    return float(skimage.metrics.structural_similarity(first, second, win_size=7, data_range=2.0))


def overlap(a: Floats, b: Floats, cells: int = HIGHEST_CELLS) -> float | None:
    """Intersection over union of the highest cells, by signed value; none where a map is flat."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    highest = [set(np.argsort(-m, axis=None, kind="stable")[:cells].tolist()) for m in (a, b)]
    return len(highest[0] & highest[1]) / len(highest[0] | highest[1])


def predictions(
    first: tuple[Floats, tuple[str, ...]], second: tuple[Floats, tuple[str, ...]]
) -> PredictionAgreement:
    """Agreement of two presets' (logits (pictures, classes), class names) on the same pictures."""
    (a, classes), (b, others) = first, second
    if classes != others:
        raise ChoiceError(
            "These presets know different classes, so their labels can't be compared: choose "
            "presets of one data set."
        )
    each = divergence(softmax(a), softmax(b))
    correlations = [_correlation(x, y) for x, y in zip(a, b, strict=True)]
    known = [value for value in correlations if value is not None]
    return PredictionAgreement(
        top1=float((a.argmax(1) == b.argmax(1)).mean()),
        logits=float(np.mean(known)) if known else None,
        divergence=float(each.mean()),
        each=each,
        order=np.argsort(-each, kind="stable"),
    )


def divergence(p: Floats, q: Floats) -> Doubles:
    """Jensen–Shannon divergence of each row's probabilities in bits, 0 … 1."""
    sides = p.astype(np.float64), q.astype(np.float64)
    middle = (sides[0] + sides[1]) / 2
    halves = [_bits(side, middle).sum(-1) for side in sides]
    return np.asarray(np.maximum((halves[0] + halves[1]) / 2, 0))


def cka(a: Doubles, b: Doubles) -> Cka:
    """Every block of one model against every block of another, from Gram matrices (blocks, n, n)
    of the same pictures in the same order."""
    n = a.shape[-1]
    if b.shape[-1] != n:
        raise ChoiceError(f"CKA needs the same pictures on both sides, not {n} and {b.shape[-1]}.")
    if n < FEWEST_PICTURES:
        raise ChoiceError(
            f"CKA needs {FEWEST_PICTURES} pictures or more, not {n}: add pictures or a folder."
        )
    (x, constant_a), (y, constant_b) = _centred(a), _centred(b)
    spread = float(np.sqrt(2 / (n * (n - 3))))
    return Cka(x @ y.T, spread, (constant_a, constant_b))


def _centred(grams: Doubles) -> tuple[Doubles, tuple[int, ...]]:
    """U-centred (Székely & Rizzo), flat and of norm 1, so that products are unbiased CKA; 0 for a
    constant block."""
    n, off = grams.shape[-1], 1 - np.eye(grams.shape[-1])
    hollow = grams * off
    sums = hollow.sum(-1)
    whole = sums.sum(-1)[:, None, None] / ((n - 1) * (n - 2))
    centred = (hollow - (sums[:, :, None] + sums[:, None, :]) / (n - 2) + whole) * off
    flat = centred.reshape(len(grams), -1)
    norms, sizes = np.linalg.norm(flat, axis=1), np.linalg.norm(grams, axis=(1, 2))
    constant = norms <= CONSTANT_BELOW * sizes
    unit = np.where(constant[:, None], 0, flat / np.where(constant, 1, norms)[:, None])
    return unit, tuple(np.flatnonzero(constant).tolist())


def _overlaps(span: tuple[float, float], cells: int, shared: tuple[float, float]) -> Doubles:
    """(16, cells): the share of each source cell that lies in each common cell."""
    edges, common = np.linspace(*span, cells + 1), np.linspace(*shared, GRID + 1)
    low = np.maximum(edges[:-1], common[:-1, None])
    high = np.minimum(edges[1:], common[1:, None])
    shares: Doubles = np.maximum(high - low, 0) / np.diff(edges)
    return shares


def _correlation(x: Floats, y: Floats) -> float | None:
    return None if np.ptp(x) == 0 or np.ptp(y) == 0 else float(np.corrcoef(x, y)[0, 1])


def softmax(logits: Floats) -> Doubles:
    """Probabilities along the last axis."""
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def _bits(p: Doubles, middle: Doubles) -> Doubles:
    """p·log2(p / middle), 0 where p is 0."""
    positive = p > 0
    bits: Doubles = p * np.log2(np.where(positive, p, 1) / np.where(positive, middle, 1))
    return bits
