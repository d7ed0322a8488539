"""Structure: how a layer's kernels change with depth, compared with random layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result

CURVES = {  # name: what people read; one number a layer
    "mean_effective_size_50": "mean size holding 50 % of the energy (tokens)",
    "mean_effective_size_90": "mean size holding 90 % of the energy (tokens)",
    "mean_border_share": "mean share of energy on the border",
    "mean_low_frequency_share": "mean share of power below π/4",
    "mean_parity": "mean parity under a half turn",
    "mean_r2": "mean R² of the best template",
    "entropy": "variance entropy, as a share of its bound",
    "sparsity": "share of kernels with every weight under 1 % of the largest",
    "covariance_participation_ratio": "directions that carry the variance",
    "covariance_rank": "effective rank of the covariance",
}


@dataclass(frozen=True, slots=True)
class Options:
    FIRST_BLOCK = 1  # the stem, block 0, has no depthwise kernels
    blocks: Annotated[tuple[int, ...], "blocks to describe, 1 … depth; none is all"] = ()
    seed: Annotated[int, "seed of the random layers"] = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Structure(Result):
    """One number a block for each of CURVES, and a band (blocks, 2) for each: the 2.5
    and 97.5 percentiles of 20 untrained layers of the same shape."""

    blocks: NDArray[np.int64]  # (blocks,), from 1
    depth: int
    kernel_size: int
    decidable: bool  # whether kernels of this size can be told from random ones
    class_names: tuple[str, ...]
    class_shares: NDArray[np.float64]  # (blocks, classes)
    class_shares_band: NDArray[np.float64]  # (blocks, classes, 2)
    mean_effective_size_50: NDArray[np.float64]  # (blocks,), tokens
    mean_effective_size_50_band: NDArray[np.float64]
    mean_effective_size_90: NDArray[np.float64]
    mean_effective_size_90_band: NDArray[np.float64]
    mean_border_share: NDArray[np.float64]
    mean_border_share_band: NDArray[np.float64]
    mean_low_frequency_share: NDArray[np.float64]
    mean_low_frequency_share_band: NDArray[np.float64]
    mean_parity: NDArray[np.float64]
    mean_parity_band: NDArray[np.float64]
    mean_r2: NDArray[np.float64]
    mean_r2_band: NDArray[np.float64]
    entropy: NDArray[np.float64]  # of the variances, divided by its bound log min(dim − 1, k²)
    entropy_band: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    sparsity_band: NDArray[np.float64]
    covariance: NDArray[np.float64]  # (blocks, k², k²), raw weights
    eigenvalues: NDArray[np.float64]  # (blocks, k²), largest first
    eigenkernels: NDArray[np.float64]  # (blocks, k², k, k), norm 1, the largest weight positive
    covariance_participation_ratio: NDArray[np.float64]  # (blocks,), (Σλ)² / Σλ²
    covariance_participation_ratio_band: NDArray[np.float64]
    covariance_rank: NDArray[np.float64]  # (blocks,), exp of the entropy
    covariance_rank_band: NDArray[np.float64]
    ring_profile: NDArray[np.float64]  # (blocks, rings), mean share of energy, innermost first
    ring_profile_band: NDArray[np.float64]  # (blocks, rings, 2)
    pointwise_singular_values: NDArray[np.float64]  # (blocks, dim), largest first
    pointwise_rank: NDArray[np.float64]  # (blocks,), exp of the entropy of s²/Σs²
