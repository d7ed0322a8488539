"""Pictures for the tests of kernels."""

from __future__ import annotations

import pytest
from torch import Tensor

from convmixer_viz.pictures.prepare import PreparedPicture
from tests.unit.analyses.kernels.pictures import prepared


@pytest.fixture
def pictures(noise: Tensor) -> list[PreparedPicture]:
    return [prepared(pixels.double().numpy(), f"noise {i}") for i, pixels in enumerate(noise[:5])]
