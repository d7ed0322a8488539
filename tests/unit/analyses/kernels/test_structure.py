"""Structure by depth of a tiny model: each block against random layers of its shape."""

from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import structure
from convmixer_viz.model.kernel_shapes.covariance import covariance
from tests.conftest import TINY, calibrated, loaded


def describe(model, **options):
    steps = list(structure.compute(model, (), structure.Options(**options)))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return steps[-1].partial


def test_an_untrained_model_lies_in_the_band():
    inside = []
    for seed in range(6):
        found = describe(loaded(module=calibrated(TINY, seed)))
        low, high = np.moveaxis(found.mean_border_share_band, -1, 0)
        inside += ((low <= found.mean_border_share) & (found.mean_border_share <= high)).tolist()
    assert np.mean(inside) >= 0.8


def test_a_blurring_block_leaves_the_band_and_the_others_do_not_know():
    module = calibrated(TINY)
    blur = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    weight = module.blocks[1].depthwise.weight.data
    weight.copy_(weight.new_tensor(blur).expand_as(weight))
    found, before = describe(loaded(module=module)), describe(loaded())
    assert found.class_shares[1, :2].sum() == 1  # Gaussian or difference: centre-surround
    assert found.mean_low_frequency_share[1] > found.mean_low_frequency_share_band[1, 1]
    assert found.mean_parity[1] == pytest.approx(1)
    assert np.array_equal(found.mean_parity[[0, 2]], before.mean_parity[[0, 2]])


def test_covariance_and_pointwise_values_are_those_of_the_weights(tiny):
    found = describe(tiny, blocks=(2,))
    block = list(tiny.module.walk())[1]
    kernels = block.depthwise.weight[:, 0].numpy()
    assert np.allclose(found.covariance[0], covariance(kernels))
    rebuilt = np.einsum(
        "e,ep,eq->pq", found.eigenvalues[0], *2 * [found.eigenkernels[0].reshape(25, -1)]
    )
    assert np.allclose(rebuilt, found.covariance[0])
    expected = np.linalg.svd(block.pointwise.weight[:, :, 0, 0].numpy(), compute_uv=False)
    assert found.pointwise_singular_values[0] == pytest.approx(expected, rel=1e-4)
    assert 1 <= found.pointwise_rank[0] <= 12


def test_a_tuple_that_happens_to_be_as_long_is_no_column(tiny):
    found = describe(tiny)
    named = replace(found, class_names=tuple("abc"))
    assert len(found.blocks) == 3 and "class_names" not in named.rows()[0]


def test_rows_are_one_a_block_even_where_two_blocks_look_like_a_band(tiny):
    rows = describe(tiny, blocks=(1, 3)).rows()
    assert [row["block"] for row in rows] == [1, 3]
    assert "mean_parity" in rows[0]
    assert not any(name.endswith("_band") for name in rows[0])
