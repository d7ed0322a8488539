"""The eight "master key filters" of Babaiee et al. 2025, and a few filters' nearest to a kernel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_suffix(".txt")  # its head says where the numbers are from
SIDE = 7


@cache
def filters(k: int) -> NDArray[np.float64]:
    """(8, k, k): cut, or with zeros around them, to another size; the centre stays."""
    margin = (k - SIDE) // 2  # of even sizes the centre is that of their last row and column
    stored = np.loadtxt(FILE).reshape(-1, SIDE, SIDE)
    if margin <= 0:
        return stored[:, -margin : k - margin, -margin : k - margin]
    after = k - SIDE - margin
    return np.pad(stored, ((0, 0), (margin, after), (margin, after)))


def nearest(kernels: NDArray[np.floating], few: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, k, k): for each kernel the a·x + b of least squares with the best x of a few filters."""
    flat = kernels.reshape(len(kernels), -1).astype(np.float64)
    mean = flat.mean(1, keepdims=True)
    units = few.reshape(len(few), -1).astype(np.float64)
    units = units - units.mean(1, keepdims=True)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    scale = (flat - mean) @ units.T  # (n, 8)
    best = np.abs(scale).argmax(1)
    fitted = scale[np.arange(len(flat)), best][:, None] * units[best] + mean
    return fitted.reshape(kernels.shape)  # type: ignore[no-any-return]
