"""The statistics of the first layer's filters, in colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import BatchNorm2d

from convmixer_viz.analyses.kernels import spectrum
from convmixer_viz.analyses.kernels.layers import norm_scale
from convmixer_viz.analyses.kernels.spectrum import share
from convmixer_viz.analyses.kernels.statistics import dead
from convmixer_viz.analyses.kernels.weights import FIXED
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.patch_embedding import Options, PatchEmbedding


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[PatchEmbedding]]:
    """One step; pictures are not looked at."""
    layer = model.module.patch_embedding
    filters = layer.weight.float().cpu().numpy()
    bias = cast("Tensor", layer.bias).float().cpu().numpy()
    norm: BatchNorm2d = model.module.stem[2]  # type: ignore[assignment]
    measured = measure(filters)
    statistics: dict[str, Any] = {
        name: values.astype(np.float32) for name, values in measured.items()
    }
    silent = dead(measured["norm"] ** 2)
    result = PatchEmbedding(
        filters=filters, bias=bias, dead=silent, norm_scale=norm_scale(norm), **statistics
    )
    yield Step(1, 1, result)


def estimate(work: Workload) -> int:
    """The spectra of all filters' colours, and what is squared."""
    numbers = 3 * 6 * spectrum.SIDE * spectrum.HALF + 8 * 3 * work.shape.patch_size**2
    return FIXED + DOUBLE * work.shape.dim * numbers


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
