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


def draw(
    kernels: NDArray[np.floating], count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """`count` kernels (count, k, k) from the Gaussian of mean zero with the kernels' covariance."""
    values, vectors = np.linalg.eigh(covariance(kernels))
    normal = generator.standard_normal((count, len(values)))
    drawn: NDArray[np.float64] = (normal * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return drawn.reshape(count, *kernels.shape[1:])
