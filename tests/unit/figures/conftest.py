"""The tiny model's results, made once for all tests of figures: results are read-only."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.activations import Activations
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.questions.structure import Structure
from tests.conftest import loaded
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


@pytest.fixture(scope="session")
def model() -> LoadedModel:
    return loaded()


@pytest.fixture(scope="session")
def atlas(model: LoadedModel) -> KernelAtlas:
    return compute(catalog.KERNELS, model)


@pytest.fixture(scope="session")
def structure(model: LoadedModel) -> Structure:
    return compute(catalog.STRUCTURE, model)


@pytest.fixture(scope="session")
def evidence(model: LoadedModel) -> Evidence:
    return compute(catalog.EVIDENCE, model, [picture()], target="3", against="1")


@pytest.fixture(scope="session")
def activations(model: LoadedModel) -> Activations:
    return compute(catalog.ACTIVATIONS, model, [picture()], channels=7, block=2)


@pytest.fixture(scope="session")
def field(model: LoadedModel) -> ReceptiveField:
    """Fields on a picture of noise, 24 × 24 pixels, whose view is grey."""
    array = torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(1)).numpy()
    view = np.full((24, 24, 3), 200, np.uint8)
    image = PreparedPicture("noise", "0", array, view, (0, 0, 24, 24))
    return compute(catalog.RECEPTIVE_FIELD, model, [image])
