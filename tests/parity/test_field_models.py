"""What random networks' fields should be, against what they are: square reduction, random signs,
24 pictures of noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from convmixer_viz.analyses.receptive_field.fields import compute
from convmixer_viz.model import convmixer as models
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Activation, Shape
from convmixer_viz.questions.receptive_field import Options, ReceptiveField
from tests.conftest import TINY, final, loaded

Norms = Literal["default", "drawn"]


def measure(shape: Shape, norms: Norms, side: int, seed: int) -> ReceptiveField:
    preset = replace(TINY, shape=shape)
    module = models.ConvMixer(shape, 10)
    models.initialise(module, seed, norms=norms)
    models.calibrate(module, seed, side)
    blank = np.zeros((3, side, side), np.float32)
    image = PreparedPicture("", "", blank, np.zeros((side, side, 3), np.uint8), (0, 0, side, side))
    options = Options(scalar="signs", noise=24, seed=seed)
    return final(compute(loaded(preset, module), [image], options))


@pytest.mark.parametrize("norms", ["default", "drawn"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("kernel_size", [5, 9])
def test_the_weights_alone_predict_random_networks_within_ten_per_cent(
    kernel_size: int, activation: Activation, norms: Norms
) -> None:
    shape = Shape(128, 8, kernel_size, 2, activation)
    field = measure(shape, norms, 64 if kernel_size == 5 else 96, kernel_size)
    free = ~field.touches
    assert free.sum() >= 8  # the window bounds (almost) none
    error = field.weights_only[free][1:] / field.sigma_square[free][1:] - 1
    assert np.abs(error).max() < 0.10, error


@pytest.mark.parametrize("kernel_size", [5, 9])
def test_the_null_model_holds_for_gelu_with_plain_batch_norm(kernel_size: int) -> None:
    field = measure(Shape(128, 8, kernel_size, 2), "default", 96, 1)
    error = field.null[1:] / field.sigma_square[1:] - 1
    assert np.abs(error).max() < 0.10, error


def test_a_small_window_bounds_measured_and_predicted_alike() -> None:
    field = measure(Shape(96, 8, 9, 2), "default", 32, 2)
    assert field.touches[2:].all() and (field.sigma_square < 32 / 12**0.5).all()
    error = field.weights_only[1:] / field.sigma_square[1:] - 1
    assert np.abs(error).max() < 0.10, error
