"""The statistics of single kernels: size, place, spectrum, symmetry and class, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels import spectrum
from convmixer_viz.analyses.kernels.spectrum import share
from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.questions.kernels import STATISTICS

DEAD = 1e-4  # of the layer's median energy


def measure(kernels: NDArray[np.floating]) -> dict[str, NDArray[Any]]:
    """Every statistic, and the class `code`, of (n, k, k) kernels: arrays (n,)."""
    fit, doubles = templates.fit(kernels), kernels.astype(np.float64)
    values = extent(doubles) | symmetry(doubles)
    values |= spectrum.measure(spectrum.half_power(doubles))
    values |= {"r2": fit.r2, "sign": fit.sign, "angle": fit.angle, "sigma": fit.sigma}
    return {name: values[name] for name in STATISTICS} | {"code": fit.code}


def ring_profile(kernels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Energy (n, rings) on each max-norm ring about the centre, innermost first."""
    ring = _rings(kernels.shape[-1])
    member = ring.ravel()[:, None] == np.unique(ring)  # (k², rings)
    squares = kernels.astype(np.float64).reshape(len(kernels), -1) ** 2
    profile: NDArray[np.float64] = squares @ member.astype(np.float64)
    return profile


def extent(kernels: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Energy, and how it lies about the centre u0; lengths in tokens."""
    k = kernels.shape[-1]
    profile, squares = ring_profile(kernels), kernels.reshape(len(kernels), -1) ** 2
    energy = squares.sum(1)
    within = np.cumsum(profile, 1)
    x, y, variance = _centroid(squares, energy, k)
    return {
        "energy": energy,
        "effective_size_50": _effective_size(within, 0.5, k),
        "effective_size_90": _effective_size(within, 0.9, k),
        "border_share": share(profile[:, -1], energy),
        "centroid_x": x,
        "centroid_y": y,
        "centroid_offset": np.hypot(x, y),
        "spread": np.sqrt(variance / 2),
        "participation_ratio": share(energy**2, (squares**2).sum(1)),
        "dc_gain": kernels.sum((1, 2)),
    }


def symmetry(kernels: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Energy shares of the even part, of the part that turns and mirrors keep, and of rank 1."""
    turned = kernels[:, ::-1, ::-1]
    even = (kernels + turned) / 2
    quarter = (even + np.rot90(even, axes=(1, 2))) / 2
    invariant = (quarter + quarter[:, :, ::-1]) / 2
    energy = (kernels**2).sum((1, 2))
    gram = kernels @ kernels.transpose(0, 2, 1)
    largest = np.linalg.eigvalsh(gram)[:, -1].astype(np.float64)  # s1²
    return {
        "parity": share((even**2).sum((1, 2)), energy),
        "d4_invariance": share((invariant**2).sum((1, 2)), energy),
        "separability": np.minimum(share(largest, energy), 1),
    }


def dead(energy: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which filters of a layer have no energy to speak of."""
    silent: NDArray[np.bool_] = (energy < DEAD * np.median(energy)) | (energy == 0)
    return silent


def _rings(side: int) -> NDArray[np.float64]:
    axis = np.abs(np.arange(side) - (side - 1) / 2)
    rings: NDArray[np.float64] = np.maximum(axis[:, None], axis)
    return rings


def _effective_size(within: NDArray[np.float64], part: float, side: int) -> NDArray[np.float64]:
    """2ρ + 1 of the first ring within which `part` of the energy lies."""
    radii = np.unique(_rings(side))
    enough = within >= part * (1 - 1e-12) * within[:, -1:]
    return 2 * radii[enough.argmax(1)] + 1  # type: ignore[no-any-return]


def _centroid(
    squares: NDArray[np.float64], energy: NDArray[np.float64], side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centroid (x, y), and the trace of the second moments about it, weighted by w²."""
    axis = np.arange(side) - (side - 1) / 2
    y, x = (grid.ravel() for grid in np.meshgrid(axis, axis, indexing="ij"))
    mean_x, mean_y = share(squares @ x, energy), share(squares @ y, energy)
    second = share(squares @ (x * x + y * y), energy)
    return mean_x, mean_y, np.maximum(second - mean_x**2 - mean_y**2, 0)
