"""Layers as arrays, against the module's own."""

from __future__ import annotations

import numpy as np
import torch

from convmixer_viz.analyses.kernels import layers
from convmixer_viz.engine.runtime import LoadedModel


def test_blocks_count_from_one(tiny: LoadedModel) -> None:
    state = tiny.module.state_dict()
    kernels = [layers.depthwise_kernels(layers.find_block(tiny, number)) for number in (1, 2, 3)]
    weights = [value for name, value in state.items() if value.shape == (12, 1, 5, 5)]
    assert len(weights) == 3
    assert all(np.array_equal(k, w[:, 0]) for k, w in zip(kernels, weights, strict=True))


def test_the_scale_is_what_a_norm_multiplies_by() -> None:
    norm = torch.nn.BatchNorm2d(4).eval().requires_grad_(False)
    assert norm.running_var is not None
    norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
    norm.running_var.copy_(torch.tensor([1.0, 4.0, 0.25, 9.0]))
    rise = norm(torch.ones(1, 4, 1, 1)) - norm(torch.zeros(1, 4, 1, 1))
    np.testing.assert_allclose(layers.norm_scale(norm), rise.abs().flatten(), rtol=1e-6)
