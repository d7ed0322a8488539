"""How a layer's kernels vary together: the covariance and its eigenvalues."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def covariance(kernels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Σ = 1/C Σ (vec w − μ)(vec w − μ)ᵀ of raw kernels (n, k, k): (k², k²)."""
    flat = kernels.reshape(len(kernels), -1).astype(np.float64)
    centred = flat - flat.mean(0)
    product: NDArray[np.float64] = centred.T @ centred / len(flat)
    return product


def variances(kernels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Eigenvalues (k²,) of the covariance, largest first."""
    values = np.linalg.eigvalsh(covariance(kernels))[::-1].astype(np.float64)
    return np.maximum(values, 0)
