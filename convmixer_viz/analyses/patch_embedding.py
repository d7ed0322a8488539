"""The first layer: what each patch filter looks for, in colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from convmixer_viz.analyses import spectrum
from convmixer_viz.analyses.kernels import norm_scale
from convmixer_viz.analyses.measures import dead
from convmixer_viz.analyses.spectrum import share
from convmixer_viz.contract import Result, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import BatchNorm2d

    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel


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


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[PatchEmbedding]]:
    """One step; pictures are not looked at."""
    layer = model.module.patch_embedding
    filters = layer.weight.float().cpu().numpy()
    bias = cast("Tensor", layer.bias).float().cpu().numpy()
    norm: BatchNorm2d = model.module.stem[2]  # type: ignore[assignment]
    measured = measure(filters)
    found: dict[str, Any] = {name: measured[name].astype(np.float32) for name in measured}
    silent = dead(measured["norm"] ** 2)
    result = PatchEmbedding(
        filters=filters, bias=bias, dead=silent, norm_scale=norm_scale(norm), **found
    )
    yield Step(1, 1, result)


def measure(filters: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Statistics (n,) of RGB filters (n, 3, p, p); the spectrum's power is summed over colours."""
    n, _, p, _ = filters.shape
    doubles = filters.astype(np.float64)
    energy = (doubles**2).sum((1, 2, 3))
    off_grey = doubles - doubles.mean(1, keepdims=True)
    half = spectrum.half_power(doubles.reshape(-1, p, p)).reshape(n, 3, -1, spectrum.HALF).sum(1)
    return {
        "norm": np.sqrt(energy),
        "colourfulness": share((off_grey**2).sum((1, 2, 3)), energy),
    } | spectrum.measure(half)
