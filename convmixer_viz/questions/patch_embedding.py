"""Patch embedding: the first layer's filters, and what each one looks for, in colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result


@dataclass(frozen=True, slots=True)
class Options:
    """Nothing to choose."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PatchEmbedding(Result):
    """The stem's filters and what each measures; frequencies in cycles per pixel."""

    filters: NDArray[np.float32]  # (dim, 3, p, p)
    bias: NDArray[np.float32]  # (dim,)
    norm: NDArray[np.float32]  # (dim,), √Σw²
    colourfulness: NDArray[np.float32]  # (dim,), share of the energy off the grey axis
    low_frequency_share: NDArray[np.float32]  # (dim,), share of power below 1/8 cycle per pixel
    peak_frequency: NDArray[np.float32]  # (dim,), without the zero frequency
    orientation: NDArray[np.float32]  # (dim,), degrees [0, 180) of that wave, y down
    anisotropy: NDArray[np.float32]  # (dim,)
    dead: NDArray[np.bool_]  # (dim,)
    norm_scale: NDArray[np.float32]  # (dim,), |γ|/√(σ²+ε) of the batch norm that follows

    def rows(self) -> list[dict[str, Any]]:
        """A row a filter."""
        names = ("norm", "colourfulness", "low_frequency_share", "peak_frequency", "orientation")
        return [
            {"channel": channel}
            | {name: float(getattr(self, name)[channel]) for name in names}
            | {"dead": bool(self.dead[channel])}
            for channel in range(len(self.norm))
        ]
