"""Two results → how far they agree and where they differ, in plain numpy."""

from __future__ import annotations

import math
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
NOTHING_LEFT = 1e-9  # of a Gram matrix's norm, after centring
CONSTANT = 1e-5  # of the largest |value|: what float32 may leave of a map without differences


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
    """Linear CKA, unbiased: 1 for equal up to turning and scale, about 0 for unrelated features."""

    values: Doubles  # (blocks of a, blocks of b); 0 where a block has none
    spread: float  # standard deviation about 0 that independent features would show
    constant: tuple[tuple[int, ...], tuple[int, ...]]  # rows of a, of b alike for all pictures
    undefined: tuple[tuple[int, ...], tuple[int, ...]]  # rows that vary, and yet have no CKA

    @property
    def missing(self) -> tuple[list[int], list[int]]:
        """Rows of a, of b that have no CKA, for whichever reason."""
        a, b = ([*same, *other] for same, other in zip(self.constant, self.undefined, strict=True))
        return a, b

    @property
    def last(self) -> float | None:
        """Of the last blocks; none where one of them has none."""
        ends = (size - 1 for size in self.values.shape)
        gone = any(end in rows for end, rows in zip(ends, self.missing, strict=True))
        return None if gone else float(self.values[-1, -1])


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


def maps(a: Floats, b: Floats) -> MapAgreement:
    """Three numbers for two maps on one grid."""
    return MapAgreement(spearman(a, b), ssim(a, b), overlap(a, b))


def is_constant(values: Floats) -> bool:
    """Whether values differ by no more than rounding."""
    return bool(np.ptp(values) <= CONSTANT * np.abs(values).max())


def spearman(a: Floats, b: Floats) -> float | None:
    """Correlation of ranks, ties averaged; none where a map is constant."""
    if is_constant(a) or is_constant(b):
        return None
    ranks = [scipy.stats.rankdata(values) for values in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def ssim(a: Floats, b: Floats) -> float | None:
    """Structural similarity of the maps divided by their largest |value|; none where a map is
    constant."""
    if is_constant(a) or is_constant(b):
        return None
    first, second = (values / np.abs(values).max() for values in (a, b))
    return float(skimage.metrics.structural_similarity(first, second, win_size=7, data_range=2.0))


def overlap(a: Floats, b: Floats, cells: int = HIGHEST_CELLS) -> float | None:
    """Intersection over union of the highest cells, by signed value; none where a map is constant.
    Of cells that tie for the last places each counts by its chance, independently in both maps: a
    map with many ties overlaps only in part even with itself."""
    if is_constant(a) or is_constant(b):
        return None
    shared = float((_chance_among_highest(a, cells) * _chance_among_highest(b, cells)).sum())
    return shared / (2 * cells - shared)


def _chance_among_highest(values: Floats, cells: int) -> Doubles:
    """1 for each cell above the last place, 0 below; those that tie for it share what is left."""
    last = np.sort(values, axis=None)[-cells]
    above, tied = values > last, values == last
    return np.asarray(np.where(tied, (cells - above.sum()) / tied.sum(), above))


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
    halves = [scipy.special.rel_entr(side, middle).sum(-1) for side in sides]
    return np.asarray(np.maximum((halves[0] + halves[1]) / 2 / np.log(2), 0))


def wilson(count: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share, 95 % by default."""
    share, extra = count / of, z * z / of
    middle = share + extra / 2
    reach = z * math.sqrt(share * (1 - share) / of + extra / of / 4)
    return (middle - reach) / (1 + extra), (middle + reach) / (1 + extra)


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p-value that pictures are as likely to be lost as won."""
    return float(scipy.stats.binomtest(lost, lost + won).pvalue) if lost + won else 1.0


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
    (x, constant_a, undefined_a), (y, constant_b, undefined_b) = _centred(a), _centred(b)
    spread = float(np.sqrt(2 / (n * (n - 3))))
    return Cka(x @ y.T, spread, (constant_a, constant_b), (undefined_a, undefined_b))


def _centred(grams: Doubles) -> tuple[Doubles, tuple[int, ...], tuple[int, ...]]:
    """U-centred (Székely & Rizzo), flat and of norm 1, so that products are unbiased CKA; 0 for a
    block of which nothing is left: one that is constant, or one that varies and is undefined all
    the same (all pictures alike but one, say)."""
    n, off = grams.shape[-1], 1 - np.eye(grams.shape[-1])
    hollow = grams * off
    sums = hollow.sum(-1)
    whole = sums.sum(-1)[:, None, None] / ((n - 1) * (n - 2))
    centred = (hollow - (sums[:, :, None] + sums[:, None, :]) / (n - 2) + whole) * off
    flat = centred.reshape(len(grams), -1)
    norms, smallest = np.linalg.norm(flat, axis=1), NOTHING_LEFT * _norms(grams)
    gone, constant = norms <= smallest, _norms(_about_the_mean(grams)) <= smallest
    unit = np.where(gone[:, None], 0, flat / np.where(gone, 1, norms)[:, None])
    return unit, _rows(gone & constant), _rows(gone & ~constant)


def _rows(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(chosen).tolist())


def _about_the_mean(grams: Doubles) -> Doubles:
    """Gram matrices of the features less their mean over the pictures."""
    mean = grams.mean(-1)
    return np.asarray(grams - mean[:, :, None] - mean[:, None, :] + mean.mean(-1)[:, None, None])


def _norms(matrices: Doubles) -> Doubles:
    return np.asarray(np.linalg.norm(matrices, axis=(1, 2)))


def _overlaps(span: tuple[float, float], cells: int, shared: tuple[float, float]) -> Doubles:
    """(16, cells): the share of each source cell that lies in each common cell."""
    edges, common = np.linspace(*span, cells + 1), np.linspace(*shared, GRID + 1)
    low = np.maximum(edges[:-1], common[:-1, None])
    high = np.minimum(edges[1:], common[1:, None])
    shares: Doubles = np.maximum(high - low, 0) / np.diff(edges)
    return shares


def _correlation(x: Floats, y: Floats) -> float | None:
    return None if is_constant(x) or is_constant(y) else float(np.corrcoef(x, y)[0, 1])


def softmax(logits: Floats) -> Doubles:
    """Probabilities along the last axis."""
    return np.asarray(scipy.special.softmax(logits.astype(np.float64), axis=-1))
