"""A linear network, whose attributions are known."""

from __future__ import annotations

import pytest
from torch import Tensor

from convmixer_viz.engine.runtime import LoadedModel
from tests.unit.analyses import questions


@pytest.fixture
def line() -> tuple[LoadedModel, Tensor]:
    """The network, and its weight of each pixel for class 3, (3, h, w)."""
    return questions.line()
