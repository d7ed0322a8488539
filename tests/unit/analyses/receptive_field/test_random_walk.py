"""The fields that random signs would give, against closed forms and integrals."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.receptive_field import (
    random_walk,
    statistics,
)
from convmixer_viz.model import convmixer as models
from convmixer_viz.presets.table import Shape
from tests.conftest import TINY, calibrated
from tests.unit.analyses.receptive_field.pictures import bell


def variance(step: random_walk.WalkStep) -> float:
    """Growth of σ² an axis in tokens²: a · Var, on an unbounded grid."""
    offsets = np.arange(len(step.spreads)) - (len(step.spreads) - 1) // 2
    both = offsets**2 @ step.spreads.sum(1) + offsets**2 @ step.spreads.sum(0)
    return float(both / (2 * (step.stays + step.spreads.sum())))


def test_models_on_an_unbounded_grid_are_their_closed_forms() -> None:
    start = np.zeros((81, 81))
    start[40, 40] = 1
    null = random_walk.null_model(Shape(12, 4, 9, 1))
    fields = random_walk.diffuse(null, start, range(5))
    sigmas = [statistics.sigma(field, (40.5, 40.5)) for field in fields]
    assert sigmas == pytest.approx(np.sqrt(0.5 * np.arange(5) * (81 - 1) / 12))
    even = [bell(width, 5, 2.5) for width in (0.7, 1.2, 2.0)]
    steps = [random_walk.WalkStep(0.3, 0.7 * kernel / kernel.sum()) for kernel in even]
    fields = random_walk.diffuse(steps, start, range(4))
    some = random_walk.diffuse(steps, start, (0, 2))
    np.testing.assert_array_equal(some, fields[[0, 2]])
    sigmas = [statistics.sigma(field, (40.5, 40.5)) for field in fields]
    assert sigmas == pytest.approx(np.sqrt(np.cumsum([0, *(variance(step) for step in steps)])))
    assert fields.sum((1, 2)) == pytest.approx(1)


@pytest.mark.parametrize("residual", [True, False])
def test_weights_alone_by_the_formula_block_by_block(residual: bool) -> None:
    shape = Shape(12, 3, 5, 2, "relu", residual)
    module = calibrated(replace(TINY, shape=shape))
    steps = random_walk.weights_model(module)
    before = cast(torch.nn.BatchNorm2d, module.stem[2])
    for block, step in zip(module.walk(), steps, strict=True):
        w, norm = block.depthwise.weight.double()[:, 0], block.depthwise_norm
        mean = cast(torch.Tensor, block.depthwise.bias) + before.bias * w.sum((1, 2))
        z = torch.distributions.Normal(0.0, before.weight.abs() * w.square().sum((1, 2)).sqrt())
        measured = cast(torch.Tensor, norm.running_var)
        gain = norm.weight**2 / (measured + norm.eps) * z.cdf(mean)  # type: ignore[no-untyped-call]
        branch = (gain * w.square().sum((1, 2))).mean()
        share = branch / (1 + branch) if residual else torch.tensor(1.0)
        assert 1 - step.stays == pytest.approx(float(share), rel=1e-5)
        offsets = torch.arange(5).double() - 2
        moment = (gain[:, None, None] * w.square()).mean(0) / branch
        both = (offsets**2 @ moment.sum(1) + offsets**2 @ moment.sum(0)) / 2
        assert variance(step) == pytest.approx(float(share * both), rel=1e-5)
        before = block.pointwise_norm


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_mean_square_slopes_equal_their_integrals(name: str) -> None:
    grid = np.linspace(-12, 12, 400_001)
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    for mean, deviation in itertools.product((-4, 0.7, 5), (1e-6, 0.3, 1, 3, 10)):
        z = torch.from_numpy(mean + deviation * grid).requires_grad_()
        (slope,) = torch.autograd.grad(models.ACTIVATIONS[name]()(z).sum(), z)
        integral = np.trapezoid(slope.numpy() ** 2 * density, grid)
        energy = random_walk._SLOPES[name](np.array(mean), np.array(deviation))
        assert energy == pytest.approx(integral, abs=3e-5 if name == "relu" else 1e-9)
