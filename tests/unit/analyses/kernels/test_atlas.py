"""The atlas of a tiny model: its kernels, their statistics, and planted ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from torch import Tensor

from convmixer_viz.analyses.kernels.atlas import compute
from convmixer_viz.analyses.kernels.statistics import measure
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.questions.kernels import STATISTICS, KernelAtlas, Options
from tests.conftest import TINY, calibrated, final, loaded


def measure_atlas(model: LoadedModel, **options: Any) -> KernelAtlas:
    return final(compute(model, (), Options(**options)))


def test_one_step_a_block_and_the_last_has_the_atlas(tiny: LoadedModel) -> None:
    steps = list(compute(tiny, (), Options()))
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    atlas = final(steps)
    assert atlas.blocks.tolist() == [1, 2, 3]
    assert all(getattr(atlas, name).shape == (3, 12) for name in STATISTICS)
    assert all(np.isfinite(getattr(atlas, name)).all() for name in STATISTICS)


def test_the_atlas_holds_the_models_kernels_and_norms(tiny: LoadedModel) -> None:
    atlas = measure_atlas(tiny, blocks=(3, 1))
    block = list(tiny.module.walk())[2]
    assert atlas.blocks.tolist() == [3, 1]
    assert np.array_equal(atlas.weights[0], block.depthwise.weight[:, 0].numpy())
    norm = block.depthwise_norm
    variance = cast(Tensor, norm.running_var)
    scale = norm.weight / (variance + norm.eps).sqrt()
    assert atlas.norm_scale[0] == pytest.approx(scale.abs().numpy(), rel=1e-5)
    assert np.array_equal(atlas.norm_sign[0], norm.weight.sign().numpy())
    assert atlas.spread[0] == pytest.approx(measure(atlas.weights[0])["spread"], rel=1e-6)


def test_rows_are_one_a_kernel(tiny: LoadedModel) -> None:
    atlas = measure_atlas(tiny, blocks=(2,))
    rows = atlas.rows()
    assert [row["channel"] for row in rows] == list(range(12))
    assert rows[5]["parity"] == atlas.parity[0, 5]
    assert rows[5]["class"] == atlas.class_names[atlas.code[0, 5]]


def test_a_planted_edge_is_found_and_a_silenced_kernel_is_dead() -> None:
    module = calibrated(TINY)
    block = next(module.walk())
    weight = block.depthwise.weight.data
    axis = np.arange(5) - 2
    edge = -axis[None, :] * np.exp(-(axis[None, :] ** 2 + axis[:, None] ** 2) / 2)
    weight[4, 0] = weight.new_tensor(-edge)
    weight[7] = 0
    atlas = measure_atlas(loaded(module=module), blocks=(1,))
    assert atlas.class_names[atlas.code[0, 4]] == "first derivative"
    assert (atlas.sign[0, 4], atlas.angle[0, 4]) == (-1, pytest.approx(0, abs=1e-3))
    assert atlas.dead[0].tolist() == [channel == 7 for channel in range(12)]


def test_three_by_three_says_undecidable() -> None:
    preset = replace(TINY, shape=replace(TINY.shape, kernel_size=3))
    atlas = measure_atlas(loaded(preset, calibrated(preset)))
    assert not atlas.decidable
    assert {atlas.class_names[code] for code in atlas.code.ravel()} == {"undecidable"}
