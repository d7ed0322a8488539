"""Which simple shape a kernel is closest to: a bank of templates, and a threshold that is earned.

Shapes after Babaiee et al. 2024; the bank, margins and threshold are those of this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.questions.kernels import (
    DELTA,
    DOG,
    FIRST,
    GAUSSIAN,
    OTHER,
    SECOND,
    UNDECIDABLE,
)

SIMPLE = (GAUSSIAN, DOG, DELTA)  # one template each; derivatives are spans of two and three
FIRST_MARGIN, SECOND_MARGIN = 0.025, 0.05  # in R²: a span fits by chance more often
EXACT, EXACT_MARGIN = 1 - 1e-4, 1e-3  # nothing fits so well by chance
SIGMA_STEP, RATIOS = 1.12, (1.6, 2.2)  # σ from 0.5 to max(1, k/3); σ₂/σ₁ of the differences
SHIFTS = np.linspace(-0.5, 0.5, 5)  # px, both axes
RANDOM_KERNELS, RANDOM_SEED = 20_000, 0  # whose 99th percentile of R² is the threshold
UNDECIDABLE_ABOVE = 0.9  # a threshold that leaves no room for evidence (k = 3: 0.98)
BATCH_SIZE = 2048  # kernels in one matrix product


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """All templates of one class, mean removed."""

    span: NDArray[np.float32]  # (templates, s, k²), orthonormal rows
    dual: NDArray[np.float64]  # (templates, s, k²): coefficients of ∂x, ∂y or ∂xx, ∂xy, ∂yy
    sigma: NDArray[np.float64]  # (templates,), px


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The best template of each kernel; each array is (n,) where nothing else stands."""

    code: NDArray[np.int64]  # index into CLASSES, other and undecidable included
    best: NDArray[np.int64]  # the best template's class, whatever its R²
    r2: NDArray[np.float64]  # of that template, 0 … 1
    sign: NDArray[np.float64]  # +1 or −1: the template itself, or its negative
    angle: NDArray[np.float64]  # degrees [0, 180), y down; −1 where the best has no direction
    sigma: NDArray[np.float64]  # px; 0 for a delta
    template: NDArray[np.float64]  # (n, k, k), the fitted template with the kernel's mean


def fit(kernels: NDArray[np.floating]) -> Fit:
    """Class, R², sign, angle in degrees and σ in px of (n, k, k) kernels."""
    k = kernels.shape[-1]
    best, r2, index, unit = _best(kernels)
    sign, angle, sigma = np.ones(len(best)), np.full(len(best), -1.0), np.zeros(len(best))
    shape = np.zeros_like(unit, dtype=np.float64)
    for code, family in enumerate(bank(k)):
        members = np.flatnonzero(best == code)
        chosen = index[members, code]
        coefficients = np.einsum("nsp,np->ns", family.dual[chosen], unit[members])
        span = family.span[chosen].astype(np.float64)
        shape[members] = np.einsum("nsp,nsq,nq->np", span, span, unit[members], optimize=True)
        sign[members], angle[members] = _direction(coefficients)
        sigma[members] = family.sigma[chosen]
    classes = np.where(r2 > threshold(k), best, OTHER) if decidable(k) else UNDECIDABLE
    codes = np.broadcast_to(classes, best.shape).astype(np.int64)
    return Fit(codes, best, r2, sign, angle, sigma, _scaled_back(shape, kernels))


def fold(degrees: NDArray[np.float64], period: int = 180) -> NDArray[np.float64]:
    """Angles into [0, period), still below it after rounding to float32."""
    folded = np.mod(degrees, period)
    return np.where(np.float32(folded) >= period, 0.0, folded)


@lru_cache(maxsize=8)
def threshold(k: int) -> float:
    """R² that 1 % of random k×k kernels (independent normal weights) exceed in the same bank."""
    random = np.random.default_rng(RANDOM_SEED).standard_normal((RANDOM_KERNELS, k, k))
    return float(np.percentile(_best(random)[1], 99))


def decidable(k: int) -> bool:
    """Whether k×k kernels have enough weights for a class to mean anything."""
    return threshold(k) < UNDECIDABLE_ABOVE


@lru_cache(maxsize=8)
def bank(k: int) -> tuple[Family, ...]:
    """The templates of size k, a family a class in the order of CLASSES."""
    count = int(np.log(max(1, k / 3) / 0.5) / np.log(SIGMA_STEP) + 1e-9) + 1
    sigma, dy, dx = (
        axis.reshape(-1, 1, 1)
        for axis in np.meshgrid(0.5 * SIGMA_STEP ** np.arange(count), SHIFTS, SHIFTS)
    )
    axis = np.arange(k) - (k - 1) / 2
    x, y = axis[None, None, :] - dx, axis[None, :, None] - dy
    g = _gaussian(x, y, sigma)
    differences = [g - _gaussian(x, y, ratio * sigma) for ratio in RATIOS]
    variance = sigma**2
    second = [(x**2 - variance) * g / variance**2, x * y * g / variance**2]
    second += [(y**2 - variance) * g / variance**2]
    scales = sigma.ravel()
    delta = (np.abs(axis[:, None]) + np.abs(axis) == np.abs(axis).min() * 2).astype(np.float64)
    return (
        _family([g], scales),
        _family([np.concatenate(differences)], np.tile(scales, len(RATIOS))),
        _family([-x * g / variance, -y * g / variance], scales),
        _family(second, scales),
        _family([delta[None]], np.zeros(1)),
    )


def _gaussian(
    x: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.exp(-(x**2 + y**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)


def _family(basis: list[NDArray[np.float64]], sigma: NDArray[np.float64]) -> Family:
    columns = np.stack([b.reshape(len(b), -1) for b in basis], -1)  # (templates, k², s)
    columns = columns - columns.mean(1, keepdims=True)
    span = np.linalg.qr(columns)[0].transpose(0, 2, 1)
    return Family(np.ascontiguousarray(span, np.float32), np.linalg.pinv(columns), sigma)


def _best(
    kernels: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float32]]:
    """Class (n,), its R² (n,), best template of every class (n, 5), unit kernels (n, k²)."""
    unit = _unit(kernels)
    fits = [_search(unit, family.span) for family in bank(kernels.shape[-1])]
    r2 = np.stack([r2 for r2, _ in fits], 1)
    best, fitted = _decide(r2)
    return best, fitted, np.stack([index for _, index in fits], 1), unit


def _unit(kernels: NDArray[np.floating]) -> NDArray[np.float32]:
    """Mean removed, norm 1; zero where a kernel is constant but for rounding."""
    flat = kernels.reshape(len(kernels), -1).astype(np.float64)
    centred = flat - flat.mean(1, keepdims=True)
    norm, rounding = np.linalg.norm(centred, axis=1), 1e-6 * np.linalg.norm(flat, axis=1)
    scale = np.divide(1, norm, out=np.zeros_like(norm), where=norm > rounding)
    unit: NDArray[np.float32] = (centred * scale[:, None]).astype(np.float32)
    return unit


def _search(
    unit: NDArray[np.float32], span: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Best R² = sum of squared projections on an orthonormal span, and which template has it."""
    templates, size, pixels = span.shape
    matrix = span.transpose(1, 0, 2).reshape(-1, pixels).T
    r2, index = np.empty(len(unit)), np.empty(len(unit), np.int64)
    for start in range(0, len(unit), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        projected = (unit[part] @ matrix).reshape(-1, size, templates)
        fits = np.einsum("nst,nst->nt", projected, projected)
        index[part] = fits.argmax(1)
        r2[part] = fits.max(1)
    return r2, index


def _decide(r2: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n, 5) → the winning class and its R², derivatives by their margins only. (The narrowest
    second derivative at 45° beats a difference of Gaussians by 0.046: an exact fit needs less.)"""
    simple = r2[:, SIMPLE]
    best, fitted = np.array(SIMPLE)[simple.argmax(1)], simple.max(1)
    first, second = r2[:, FIRST], r2[:, SECOND]
    is_first = first > fitted + FIRST_MARGIN
    margin = np.where(second > EXACT, EXACT_MARGIN, SECOND_MARGIN)
    is_second = second > np.maximum(fitted, first) + margin
    best[is_first], best[is_second] = FIRST, SECOND
    return best, r2[np.arange(len(r2)), best]


def _direction(
    coefficients: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sign and angle of (n, s) coefficients; the angle is −1 where s = 1."""
    if coefficients.shape[1] == 1:
        return np.where(coefficients[:, 0] < 0, -1.0, 1.0), np.full(len(coefficients), -1.0)
    if coefficients.shape[1] == 2:
        turned = fold(np.degrees(np.arctan2(coefficients[:, 1], coefficients[:, 0])), 360)
        return np.where(turned < 180, 1.0, -1.0), fold(turned)
    return _strongest_curvature(*coefficients.T)


def _strongest_curvature(
    xx: NDArray[np.float64], xy: NDArray[np.float64], yy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sign of the Hessian's largest |eigenvalue|, and its eigenvector's angle; H = [[xx, xy/2], …].
    A saddle has two as large: then the one within [−22.5°, 67.5°), far from ∂xx − ∂yy and ∂xy."""
    trace, gap = xx + yy, np.hypot(xx - yy, xy)
    upper = fold(np.degrees(np.arctan2(xy, xx - yy)) / 2)  # eigenvector of the larger eigenvalue
    saddle = np.abs(trace) < 1e-4 * gap
    positive = np.where(saddle, (upper < 67.5) | (upper >= 157.5), trace >= 0)
    return np.where(positive, 1.0, -1.0), np.where(positive, upper, fold(upper + 90))


def _scaled_back(shape: NDArray[np.float64], kernels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit, centred templates (n, k²) in the scale of the kernels and with their means."""
    flat = kernels.reshape(len(kernels), -1).astype(np.float64)
    mean = flat.mean(1, keepdims=True)
    norm = np.linalg.norm(flat - mean, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = shape * norm + mean
    return scaled.reshape(kernels.shape)
