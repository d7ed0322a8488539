"""Pictures and models for the tests of receptive fields, and one measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convmixer_viz.analyses.receptive_field.fields import compute
from convmixer_viz.engine import runtime
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Shape
from convmixer_viz.questions.receptive_field import Options, ReceptiveField
from tests.conftest import TINY, calibrated, final, loaded


def pictures(count: int, height: int, width: int) -> list[PreparedPicture]:
    generator = torch.Generator().manual_seed(3)
    arrays = torch.randn(count, 3, height, width, generator=generator).numpy()
    view, box = np.zeros((height, width, 3), np.uint8), (0.0, 0.0, float(width), float(height))
    return [PreparedPicture(f"{i}", f"{i}", array, view, box) for i, array in enumerate(arrays)]


def double(shape: Shape, side: int = 16) -> runtime.LoadedModel:
    model = loaded(replace(TINY, shape=shape), calibrated(replace(TINY, shape=shape), side=side))
    model.module.double()
    return model


def measure(
    model: runtime.LoadedModel, images: list[PreparedPicture], **options: Any
) -> ReceptiveField:
    return final(compute(model, images, Options(**options)))


def bell(sigma: float, size: int, centre: float) -> NDArray[np.float64]:
    axis = np.arange(size) + 0.5 - centre
    return np.asarray(np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * sigma**2)))
