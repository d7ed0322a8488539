"""Kernels: every depthwise kernel, and the table of statistics that each is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result

CLASSES = (
    "Gaussian",
    "difference of Gaussians",
    "first derivative",
    "second derivative",
    "delta",
    "other",
    "undecidable",
)
GAUSSIAN, DOG, FIRST, SECOND, DELTA, OTHER, UNDECIDABLE = range(len(CLASSES))
STATISTICS = {  # name: what people read, with its unit
    "energy": "energy Σw²",
    "effective_size_50": "size holding 50 % of the energy (tokens)",
    "effective_size_90": "size holding 90 % of the energy (tokens)",
    "border_share": "share of energy on the border",
    "centroid_x": "centroid to the right of the centre (tokens)",
    "centroid_y": "centroid below the centre (tokens)",
    "centroid_offset": "centroid's distance from the centre (tokens)",
    "spread": "spread about the centroid (tokens)",
    "participation_ratio": "weights that carry the energy (participation ratio)",
    "dc_gain": "gain at zero frequency Σw",
    "low_frequency_share": "share of power below π/4",
    "peak_frequency": "peak frequency (cycles per token)",
    "orientation": "orientation of the peak's wave (degrees)",
    "anisotropy": "anisotropy of the spectrum",
    "parity": "parity under a half turn (1 even, 0 odd)",
    "d4_invariance": "invariance under turns and mirrors",
    "separability": "separability (rank-1 share)",
    "r2": "R² of the best template",
    "sign": "sign of the template",
    "angle": "angle of the template (degrees, −1: none)",
    "sigma": "σ of the template (tokens)",
}


@dataclass(frozen=True, slots=True)
class Options:
    FIRST_BLOCK = 1  # the stem, block 0, has no depthwise kernels
    blocks: Annotated[tuple[int, ...], "blocks to measure, 1 … depth; none is all"] = ()
    seed: Annotated[int, "seed of the clusters"] = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class KernelAtlas(Result):
    """Depthwise kernels of some blocks; statistics are (blocks, dim), units in tokens."""

    blocks: NDArray[np.int64]  # (blocks,), from 1
    weights: NDArray[np.float32]  # (blocks, dim, k, k)
    energy: NDArray[np.float32]  # Σw²
    effective_size_50: NDArray[np.float32]  # tokens: the square holding half the energy
    effective_size_90: NDArray[np.float32]
    border_share: NDArray[np.float32]
    centroid_x: NDArray[np.float32]  # to the right
    centroid_y: NDArray[np.float32]  # downwards
    centroid_offset: NDArray[np.float32]
    spread: NDArray[np.float32]
    participation_ratio: NDArray[np.float32]
    dc_gain: NDArray[np.float32]  # Σw
    low_frequency_share: NDArray[np.float32]
    peak_frequency: NDArray[np.float32]  # cycles per token
    orientation: NDArray[np.float32]  # degrees [0, 180), y down
    anisotropy: NDArray[np.float32]
    parity: NDArray[np.float32]
    d4_invariance: NDArray[np.float32]
    separability: NDArray[np.float32]
    r2: NDArray[np.float32]  # of the best template
    sign: NDArray[np.float32]  # +1: as the template, −1: its negative
    angle: NDArray[np.float32]  # degrees [0, 180), y down; −1 where the template has none
    sigma: NDArray[np.float32]  # of the template; 0 for a delta
    code: NDArray[np.int64]  # (blocks, dim), index into class_names
    class_names: tuple[str, ...]
    threshold: float  # R² that 1 % of random kernels exceed; below it a kernel is "other"
    decidable: bool  # whether kernels of this size can be told from random ones
    norm_scale: NDArray[np.float32]  # (blocks, dim), |γ|/√(σ²+ε) of the batch norm that follows
    norm_sign: NDArray[np.float32]  # (blocks, dim), the sign of γ
    cluster: NDArray[np.int64]  # (blocks, dim), 0 the largest cluster of the block
    representatives: NDArray[np.int64]  # (blocks, clusters), the channel nearest to each centre
    dead: NDArray[np.bool_]  # (blocks, dim)

    @property
    def statistics(self) -> dict[str, str]:
        """What each kernel is measured by: the fields' names, and what people read."""
        return STATISTICS

    def rows(self) -> list[dict[str, Any]]:
        """A row a kernel."""
        return [row for index in range(len(self.blocks)) for row in self.block_rows(index)]

    def block_rows(self, index: int) -> list[dict[str, Any]]:
        """The rows of one block, by its place along the first axis."""
        columns = {name: getattr(self, name)[index].tolist() for name in self.statistics}
        columns |= {name: getattr(self, name)[index].tolist() for name in ("cluster", "dead")}
        named = [self.class_names[code] for code in self.code[index]]
        return [
            {"block": int(self.blocks[index]), "channel": channel, "class": name}
            | {column: values[channel] for column, values in columns.items()}
            for channel, name in enumerate(named)
        ]
