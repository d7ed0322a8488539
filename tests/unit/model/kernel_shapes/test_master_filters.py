"""Eight filters as they were published, and kernels that are one of them."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.model.kernel_shapes.master_filters import filters, nearest


def test_they_are_eight_and_the_published_ones() -> None:
    stored = filters(7)
    assert stored.shape == (8, 7, 7)
    assert stored[0, 4, 3] == 0.936427 and stored[4, 3, 0] == 0.198740
    assert stored[7, 6, 6] == -0.043075
    assert np.abs(stored.sum((1, 2))).max() < 1e-5  # published with mean 0 and norm 1
    np.testing.assert_allclose(np.linalg.norm(stored, axis=(1, 2)), 1, atol=1e-5)


@pytest.mark.parametrize("k", [3, 5, 7, 9])
def test_other_sizes_keep_the_centre(k: int) -> None:
    sized, whole = filters(k), filters(7)
    assert sized.shape == (8, k, k)
    assert np.array_equal(sized[:, k // 2, k // 2], whole[:, 3, 3])
    margin = (9 - 7) // 2
    assert k < 9 or not sized[:, :margin].any()


@pytest.mark.parametrize("k", [3, 5, 9])
def test_a_scaled_filter_with_an_offset_is_itself(k: int) -> None:
    scales = np.linspace(-3, 4, 8)[:, None, None]
    kernels = scales * filters(k) + 0.5
    np.testing.assert_allclose(nearest(kernels, filters(k)), kernels, atol=1e-12)


def test_no_other_filter_is_nearer() -> None:
    kernels = np.random.default_rng(0).standard_normal((40, 5, 5))
    fitted = nearest(kernels, filters(5))
    lost = ((fitted - kernels) ** 2).sum((1, 2))
    for one in filters(5):
        columns = np.stack([one.ravel(), np.ones(25)], 1)
        _, rest, *_ = np.linalg.lstsq(columns, kernels.reshape(40, 25).T, rcond=None)
        assert (lost <= rest + 1e-9).all()
    np.testing.assert_allclose(fitted.mean((1, 2)), kernels.mean((1, 2)), atol=1e-12)
