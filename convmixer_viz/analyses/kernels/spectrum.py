"""Power spectra of kernels on a 33×33 grid of frequencies (odd: −π would have no partner)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.model.kernel_shapes.templates import fold

SIDE = 33
HALF = SIDE // 2 + 1
FREQUENCY = np.fft.fftfreq(SIDE)  # (33,), cycles per token along y; the first 17 along x
LOW = 1 / 8  # cycles per token: |ω| < π/4


def half_power(kernels: NDArray[np.floating]) -> NDArray[np.float64]:
    """|DFT|² of (n, k, k) kernels, (n, 33, 17): frequencies along y and, from 0 on, along x."""
    side = kernels.shape[-1]
    product = kernels.reshape(len(kernels), -1) @ _fourier(side)
    real, imaginary = product[:, : SIDE * HALF], product[:, SIDE * HALF :]
    squares: NDArray[np.float64] = real**2 + imaginary**2
    return squares.reshape(-1, SIDE, HALF)


def power(kernels: NDArray[np.floating]) -> NDArray[np.float64]:
    """|DFT|² of (n, k, k) kernels, (n, 33, 33), zero frequency in the middle."""
    half = np.fft.fftshift(half_power(kernels), axes=1)
    return np.concatenate([half[:, ::-1, :0:-1], half], axis=2)


def radial_mean(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power (n, 17) over rings of frequency radius 0, 1/33, … 16/33 cycles per token."""
    axis = np.arange(SIDE) - SIDE // 2
    ring = np.rint(np.hypot(axis, axis[:, None])).astype(int)
    rings = (ring.ravel()[:, None] == np.arange(HALF)).astype(np.float64)  # (33², 17)
    means: NDArray[np.float64] = power.reshape(len(power), -1) @ rings / rings.sum(0)
    return means


def measure(half: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Low-frequency share (0 … 1), peak frequency (cycles per token), orientation (degrees) and
    anisotropy (0 … 1) of half-plane powers (n, 33, 17); no power at all gives zeros."""
    flat = half.reshape(len(half), -1)
    total, low, xx, xy, yy = (flat @ _moments()).T
    y, x = np.divmod(flat[:, 1:].argmax(1) + 1, HALF)  # the first is the zero frequency
    peak_y, peak_x = FREQUENCY[y], x / SIDE
    return {
        "low_frequency_share": share(low, total),
        "peak_frequency": np.hypot(peak_x, peak_y) * (total > 0),
        "orientation": fold(np.degrees(np.arctan2(peak_y, peak_x))) * (total > 0),
        "anisotropy": share(np.hypot(xx - yy, 2 * xy), xx + yy),
    }


def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


@lru_cache(maxsize=8)
def _fourier(side: int) -> NDArray[np.float64]:
    """(k², 2·33·17): cosines, then sines, of every frequency of the half plane."""
    at = np.arange(side) - (side - 1) / 2
    turns_y, turns_x = np.outer(at, FREQUENCY), np.outer(at, np.arange(HALF) / SIDE)
    turns = turns_y[:, None, :, None] + turns_x[None, :, None, :]  # (k, k, 33, 17)
    phase = 2 * np.pi * turns.reshape(side**2, -1)
    return np.concatenate([np.cos(phase), np.sin(phase)], 1)


@lru_cache(maxsize=1)
def _moments() -> NDArray[np.float64]:
    """(33·17, 5) weights: all power, low power, second moments xx, xy, yy; the missing half of
    the plane is the mirror image, so every column but the first counts twice."""
    y, x = np.meshgrid(FREQUENCY, np.arange(HALF) / SIDE, indexing="ij")
    weight = np.where(x > 0, 2.0, 1.0)
    parts = (np.ones_like(x), np.hypot(x, y) < LOW, x * x, x * y, y * y)
    return np.stack([(weight * part).ravel() for part in parts], 1)
