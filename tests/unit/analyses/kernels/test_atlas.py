"""The atlas of a tiny model, and clusters that are known."""

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import atlas as kernels_atlas
from convmixer_viz.analyses.kernels.statistics import measure
from convmixer_viz.errors import ChoiceError
from convmixer_viz.model.kernel_shapes.clusters import cluster
from convmixer_viz.questions.kernels import STATISTICS
from tests.conftest import TINY, calibrated, loaded


def atlas(model, **options):
    *_, last = kernels_atlas.compute(model, (), kernels_atlas.Options(**options))
    return last.partial


def test_one_step_a_block_and_the_last_has_the_atlas(tiny):
    steps = list(kernels_atlas.compute(tiny, (), kernels_atlas.Options()))
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    found = steps[-1].partial
    assert found.blocks.tolist() == [1, 2, 3]
    assert all(getattr(found, name).shape == (3, 12) for name in STATISTICS)
    assert all(np.isfinite(getattr(found, name)).all() for name in STATISTICS)


def test_the_atlas_holds_the_models_kernels_and_norms(tiny):
    found = atlas(tiny, blocks=(3, 1))
    block = list(tiny.module.walk())[2]
    assert found.blocks.tolist() == [3, 1]
    assert np.array_equal(found.weights[0], block.depthwise.weight[:, 0].numpy())
    norm = block.depthwise_norm
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    assert found.norm_scale[0] == pytest.approx(scale.abs().numpy(), rel=1e-5)
    assert np.array_equal(found.norm_sign[0], norm.weight.sign().numpy())
    assert found.spread[0] == pytest.approx(measure(found.weights[0])["spread"], rel=1e-6)


def test_rows_are_one_a_kernel(tiny):
    found = atlas(tiny, blocks=(2,))
    rows = found.rows()
    assert [row["channel"] for row in rows] == list(range(12))
    assert rows[5]["parity"] == found.parity[0, 5]
    assert rows[5]["class"] == found.class_names[found.code[0, 5]]


def test_a_planted_edge_is_found_and_a_silenced_kernel_is_dead():
    module = calibrated(TINY)
    weight = module.blocks[0].depthwise.weight.data
    axis = np.arange(5) - 2
    edge = -axis[None, :] * np.exp(-(axis[None, :] ** 2 + axis[:, None] ** 2) / 2)
    weight[4, 0] = weight.new_tensor(-edge)
    weight[7] = 0
    found = atlas(loaded(module=module), blocks=(1,))
    assert found.class_names[found.code[0, 4]] == "first derivative"
    assert (found.sign[0, 4], found.angle[0, 4]) == (-1, pytest.approx(0, abs=1e-3))
    assert found.dead[0].tolist() == [channel == 7 for channel in range(12)]


def test_three_by_three_says_undecidable():
    from dataclasses import replace

    preset = replace(TINY, shape=replace(TINY.shape, kernel_size=3))
    found = atlas(loaded(preset, calibrated(preset)))
    assert not found.decidable
    assert {found.class_names[code] for code in found.code.ravel()} == {"undecidable"}


def test_block_zero_and_blocks_beyond_are_refused(tiny):
    with pytest.raises(ChoiceError, match="stem"):
        kernels_atlas.Options(blocks=(0,))
    with pytest.raises(ChoiceError, match="no block 4"):
        atlas(tiny, blocks=(4,))


def planted(count, seed=0):
    """`count` shapes, shape i repeated 40 - i times with a little noise and any scale."""
    draw = np.random.default_rng(seed)
    shapes = draw.normal(size=(count, 5, 5))
    truth = np.repeat(np.arange(count), [40 - i for i in range(count)])
    noisy = shapes[truth] + 0.02 * draw.normal(size=(len(truth), 5, 5))
    return noisy * draw.uniform(0.1, 10, (len(truth), 1, 1)), truth


def test_planted_clusters_are_found_largest_first():
    made, truth = planted(6)
    labels, representatives = cluster(made, seed=0, count=6)
    assert np.array_equal(labels, truth)
    assert np.array_equal(truth[representatives], np.arange(6))


def test_clusters_repeat_and_none_is_empty():
    made = np.random.default_rng(3).normal(size=(40, 5, 5))
    (first, nearest), (second, _) = cluster(made, 5), cluster(made, 5)
    assert np.array_equal(first, second)
    assert (np.bincount(first, minlength=16) > 0).all()
    assert np.array_equal(first[nearest], np.arange(16))


def test_clusters_of_equal_and_of_few_kernels():
    labels, representatives = cluster(np.ones((20, 3, 3)), 0)
    assert set(labels) == set(range(16))
    assert len(set(representatives.tolist())) == 16
    assert cluster(np.ones((4, 3, 3)), 0)[1].shape == (4,)
