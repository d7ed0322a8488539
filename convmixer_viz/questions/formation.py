"""Formation: how the kernels formed, as structure and classes over the epochs of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.questions.structure import CURVES


@dataclass(frozen=True, slots=True)
class Options:
    FIRST_BLOCK = 1  # the stem, block 0, has no depthwise kernels
    blocks: Annotated[tuple[int, ...], "blocks to follow, 1 … depth; none is all"] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Formation(Result):
    """Kernels and the numbers of their layers at the epochs that were kept, 0 = before training."""

    epochs: NDArray[np.int64]  # (epochs,)
    blocks: NDArray[np.int64]  # (blocks,), from 1
    weights: NDArray[np.float16]  # (epochs, blocks, dim, k, k), as kept
    stem: NDArray[np.float16]  # (epochs, dim, 3, p, p)
    code: NDArray[np.int64]  # (epochs, blocks, dim), index into class_names
    r2: NDArray[np.float32]  # (epochs, blocks, dim), of the best template
    settled: NDArray[np.int64]  # (blocks, dim), the epoch kept since which the final class holds
    class_names: tuple[str, ...]
    class_shares: NDArray[np.float64]  # (epochs, blocks, classes)
    mean_effective_size_50: NDArray[np.float64]  # (epochs, blocks), tokens
    mean_effective_size_90: NDArray[np.float64]
    mean_border_share: NDArray[np.float64]
    mean_low_frequency_share: NDArray[np.float64]
    mean_parity: NDArray[np.float64]
    mean_r2: NDArray[np.float64]
    entropy: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    covariance_participation_ratio: NDArray[np.float64]
    covariance_rank: NDArray[np.float64]

    def rows(self) -> list[dict[str, Any]]:
        """A row an epoch and block."""
        return [
            {"epoch": int(epoch), "block": int(block)}
            | {name: float(getattr(self, name)[e, b]) for name in CURVES}
            for e, epoch in enumerate(self.epochs)
            for b, block in enumerate(self.blocks)
        ]
