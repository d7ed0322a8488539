"""The statistics of a whole layer's kernels, and the same of random layers to compare with."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import lazy_loader as lazy
import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels import statistics
from convmixer_viz.analyses.kernels.spectrum import share
from convmixer_viz.model.kernel_shapes.covariance import variances
from convmixer_viz.questions.kernels import CLASSES
from convmixer_viz.questions.structure import CURVES

scipy: Any = lazy.load("scipy")

SILENT = 0.01  # of the layer's largest weight
RANDOM_LAYERS = 20  # in the band
BAND = (2.5, 97.5)  # percentiles


def measure(
    kernels: NDArray[np.floating], measured: dict[str, NDArray[Any]] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Numbers of one layer (n, k, k): the CURVES, `class_shares` (classes,) and `ring_profile`;
    `measured` are each kernel's own statistics where they are known."""
    measured, spectrum = measured or statistics.measure(kernels), variances(kernels)
    profile = statistics.ring_profile(kernels)
    energy = np.broadcast_to(profile.sum(1, keepdims=True), profile.shape)
    codes = np.bincount(measured["code"], minlength=len(CLASSES))
    largest = np.abs(kernels).max((1, 2))
    means = {f"mean_{name}": measured[name].mean() for name in _MEANS}
    values = means | {
        "entropy": entropy(spectrum) / np.log(_bound(kernels)),
        "sparsity": (largest < SILENT * largest.max()).mean(),
        "covariance_participation_ratio": share(spectrum.sum() ** 2, (spectrum**2).sum()),
        "covariance_rank": np.exp(entropy(spectrum)),
        "class_shares": codes / len(kernels),
        "ring_profile": share(profile, energy).mean(0),
    }
    return {name: np.asarray(value, np.float64) for name, value in values.items()}


_MEANS = tuple(name.removeprefix("mean_") for name in CURVES if name.startswith("mean_"))


def entropy(variances: NDArray[np.float64]) -> Any:
    """−Σ v̂ ln v̂ of variances scaled to sum 1; 0 where there is none."""
    part = share(variances, np.broadcast_to(variances.sum(), variances.shape))
    return scipy.special.entr(part).sum()


@lru_cache(maxsize=512)
def random_layer(dim: int, k: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """The numbers of one untrained layer, its weights drawn as torch draws them."""
    bound = 1 / k
    generator = np.random.default_rng((seed, dim, k))
    return measure(generator.uniform(-bound, bound, (dim, k, k)).astype(np.float32))


def band(layers: list[dict[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    """2.5 and 97.5 percentiles of every number over layers; one more axis at the end, (…, 2)."""
    return {
        name: np.moveaxis(np.percentile([layer[name] for layer in layers], BAND, axis=0), 0, -1)
        for name in layers[0]
    }


def _bound(kernels: NDArray[np.floating]) -> int:
    """How many directions the variance can have at most; its entropy's bound is the logarithm."""
    return int(max(2, min(len(kernels) - 1, kernels.shape[-1] ** 2)))
