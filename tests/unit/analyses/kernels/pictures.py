"""Pixels as prepared pictures, and one kernel's answer to them, for the tests of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.analyses.kernels.kernel import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.kernel import Kernel, Options
from tests.conftest import final


def prepared(pixels: NDArray[np.float64], name: str = "noise") -> PreparedPicture:
    """Normalised pixels (3, h, w) as a prepared picture."""
    view = np.clip(128 + 40 * pixels.transpose(1, 2, 0), 0, 255).astype(np.uint8)
    h, w = pixels.shape[1:]
    return PreparedPicture(name, "0" * 64, pixels.astype(np.float32), view, (0, 0, w, h))


def measure_kernel(model: LoadedModel, picture: PreparedPicture, **options: Any) -> Kernel:
    return final(compute(model, [picture], Options(**options)))
