"""Structure by depth of a tiny model: each block against random layers of its shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convmixer_viz.analyses.kernels.structure import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.kernel_shapes.covariance import covariance
from convmixer_viz.questions.structure import Options, Structure
from tests.conftest import TINY, calibrated, final, loaded


def measure_structure(model: LoadedModel, **options: Any) -> Structure:
    steps = list(compute(model, (), Options(**options)))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return final(steps)


def test_an_untrained_model_lies_in_the_band() -> None:
    inside = []
    for seed in range(6):
        structure = measure_structure(loaded(module=calibrated(TINY, seed)))
        low, high = np.moveaxis(structure.mean_border_share_band, -1, 0)
        inside += (
            (low <= structure.mean_border_share) & (structure.mean_border_share <= high)
        ).tolist()
    assert np.mean(inside) >= 0.8


def test_a_blurring_block_leaves_the_band_and_the_others_do_not_know() -> None:
    module = calibrated(TINY)
    blur = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    _, block, _ = module.walk()
    weight = block.depthwise.weight.data
    weight.copy_(weight.new_tensor(blur).expand_as(weight))
    structure, before = measure_structure(loaded(module=module)), measure_structure(loaded())
    assert structure.class_shares[1, :2].sum() == 1  # Gaussian or difference: centre-surround
    assert structure.mean_low_frequency_share[1] > structure.mean_low_frequency_share_band[1, 1]
    assert structure.mean_parity[1] == pytest.approx(1)
    assert np.array_equal(structure.mean_parity[[0, 2]], before.mean_parity[[0, 2]])


def test_covariance_and_pointwise_values_are_those_of_the_weights(tiny: LoadedModel) -> None:
    structure = measure_structure(tiny, blocks=(2,))
    block = list(tiny.module.walk())[1]
    kernels = block.depthwise.weight[:, 0].numpy()
    assert np.allclose(structure.covariance[0], covariance(kernels))
    rebuilt = np.einsum(
        "e,ep,eq->pq", structure.eigenvalues[0], *2 * [structure.eigenkernels[0].reshape(25, -1)]
    )
    assert np.allclose(rebuilt, structure.covariance[0])
    expected = np.linalg.svd(block.pointwise.weight[:, :, 0, 0].numpy(), compute_uv=False)
    assert structure.pointwise_singular_values[0] == pytest.approx(expected, rel=1e-4)
    assert 1 <= structure.pointwise_rank[0] <= 12


def test_a_tuple_that_happens_to_be_as_long_is_no_column(tiny: LoadedModel) -> None:
    structure = measure_structure(tiny)
    named = replace(structure, class_names=tuple("abc"))
    assert len(structure.blocks) == 3 and "class_names" not in named.rows()[0]


def test_rows_are_one_a_block_even_where_two_blocks_look_like_a_band(tiny: LoadedModel) -> None:
    rows = measure_structure(tiny, blocks=(1, 3)).rows()
    assert [row["block"] for row in rows] == [1, 3]
    assert "mean_parity" in rows[0]
    assert not any(name.endswith("_band") for name in rows[0])
