"""What is measured of a receptive field: how much of it lies where. Centres and sizes count from
edges: pixel (or token) u covers [u, u + 1]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Centre = tuple[float, float]  # down, right

SHARES = (0.2, 0.3, 0.5, 0.99)  # of the mass, as RepLKNet's table has them
RADII = (0.5, 0.9)


def mass_ratio(field: Floats, centre: Centre) -> Floats:
    """Area of the smallest square about the centre that holds more than 20, 30, 50, 99 % of the
    field, as a share of the picture; at a border what lies inside counts."""
    height, width = field.shape
    half = np.arange(1, max(field.shape) + 1) - centre[0] % 1
    down = _clip(centre[0], half, height)
    right = _clip(centre[1], half, width)
    areas = (down[1] - down[0]) * (right[1] - right[0]) / field.size
    return _first_above(_mass(field, down, right), areas, field.sum())


def replknet_ratio(field: Floats) -> Floats:
    """The same by RepLKNet's procedure: squares of odd side about pixel h//2 on log10(P + 1), so
    the numbers depend on the field's scale."""
    height, width = field.shape
    logged = np.log10(field + 1)
    reach = np.arange(1, height // 2)
    if not len(reach):
        return np.ones(len(SHARES))
    down = (height // 2 - reach, height // 2 + reach + 1)
    right = _clip(width // 2 + 0.5, reach + 0.5, width)
    areas = (2 * reach + 1) / height * ((2 * reach + 1) / width)
    return _first_above(_mass(logged, down, right), areas, logged.sum())


def radii(field: Floats, centre: Centre) -> Floats:
    """Radius of the disc about the centre that holds 50 and 90 % of the field, in its cells."""
    down, right = _offsets(field, centre)
    distance = np.hypot(down[:, None], right).ravel()
    order = distance.argsort(kind="stable")
    mass = field.ravel()[order].cumsum()
    ends = np.searchsorted(mass, np.array(RADII) * mass[-1])
    return np.asarray(distance[order][np.minimum(ends, field.size - 1)])


def moments(field: Floats, centre: Centre) -> Floats:
    """Second moments (2, 2) about the centre, down first, in cells²."""
    down, right = _offsets(field, centre)
    cross = down @ field @ right
    spread = [[down**2 @ field.sum(1), cross], [cross, right**2 @ field.sum(0)]]
    total = field.sum()
    return np.array(spread) / total if total else np.zeros((2, 2))


def sigma(field: Floats, centre: Centre) -> float:
    """Root of the mean of both axes' second moments about the centre, in cells."""
    return float(np.sqrt(moments(field, centre).trace() / 2))


def gaussian_fit(field: Floats, centre: Centre) -> tuple[float, float]:
    """σ in cells of the round Gaussian about the centre that fits best, and its R²; (0, 1) for a
    field that is one cell."""
    down, right = _offsets(field, centre)
    if np.count_nonzero(field) <= 1:
        return 0.0, 1.0
    low, high = 0.1, 4.0 * max(field.shape)  # two hills are common: no local search over all
    for _ in range(4):  # each time 32 times as fine: σ to six digits
        widths = np.geomspace(low, high, 64)
        explained = _explained(field, down, right, widths)
        best = int(explained.argmax())
        low, high = widths[max(best - 1, 0)], widths[min(best + 1, 63)]
    scatter = ((field - field.mean()) ** 2).sum()
    missed = (field**2).sum() - explained[best]
    return float(widths[best]), float(1 - missed / scatter) if scatter > 0 else 0.0


def border_share(field: Floats) -> float:
    """Share of the field in its outermost ring of cells."""
    total = field.sum()
    ring = total - field[1:-1, 1:-1].sum()
    return max(0.0, float(ring / total)) if total else 0.0


def reach(tokens: Sequence[tuple[int, int]], block: int, k: int, grid: tuple[int, ...]) -> int:
    """Tokens of the grid that can reach these neighbouring ones of a block's output."""
    before, behind = block * ((k - 1) // 2), block * (k // 2)  # an even kernel leans one way
    sides = [
        min(max(axis) + 1 + behind, n) - max(min(axis) - before, 0)
        for axis, n in zip(zip(*tokens, strict=True), grid, strict=True)
    ]
    return int(np.prod(sides))


def growth(blocks: NDArray[np.int64], sigmas: Floats) -> float | None:
    """Exponent e of σ ∝ block^e by least squares of the logarithms (a random walk has ½); none
    for fewer than two blocks."""
    usable = (blocks > 0) & (sigmas > 0)
    if usable.sum() < 2:
        return None
    return float(np.polyfit(np.log(blocks[usable]), np.log(sigmas[usable]), 1)[0])


def _explained(field: Floats, down: Floats, right: Floats, widths: Floats) -> Floats:
    """Σ² explained by the best multiple of each width's Gaussian."""
    bells = [np.exp(-(axis**2) / (2 * widths[:, None] ** 2)) for axis in (down, right)]
    overlap = ((bells[0] @ field) * bells[1]).sum(1)
    norms = (bells[0] ** 2).sum(1) * (bells[1] ** 2).sum(1)
    explained: Floats = np.divide(overlap**2, norms, out=np.zeros_like(norms), where=norms > 0)
    return explained


def _offsets(field: Floats, centre: Centre) -> tuple[Floats, Floats]:
    down, right = (np.arange(n) + 0.5 - c for n, c in zip(field.shape, centre, strict=True))
    return down, right


def _clip(centre: float, half: Floats, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    low, high = np.floor(centre - half), np.ceil(centre + half)
    return np.clip(low, 0, size).astype(int), np.clip(high, 0, size).astype(int)


def _mass(
    field: Floats,
    down: tuple[NDArray[np.int64], NDArray[np.int64]],
    right: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> Floats:
    """Sums over the squares [down) × [right) from one table of sums."""
    sums = np.pad(field.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    (top, bottom), (left, end) = down, right
    mass: Floats = sums[bottom, end] - sums[top, end] - sums[bottom, left] + sums[top, left]
    return mass


def _first_above(mass: Floats, areas: Floats, total: float) -> Floats:
    """The area of the first square that holds more than each share; 1 where none does."""
    above = mass > np.array(SHARES)[:, None] * total
    return np.where(above.any(1), areas[above.argmax(1)], 1.0)
