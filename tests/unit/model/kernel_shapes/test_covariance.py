"""The covariance of kernels against numpy's own."""

from __future__ import annotations

import numpy as np

from convmixer_viz.model.kernel_shapes.covariance import covariance, variances


def test_the_covariance_is_that_of_the_raw_weights() -> None:
    kernels = np.random.default_rng(0).normal(size=(40, 3, 3))
    expected = np.cov(kernels.reshape(40, -1).T, bias=True)
    assert np.allclose(covariance(kernels), expected)
    assert np.allclose(variances(kernels).sum(), np.trace(expected))
