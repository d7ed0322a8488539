"""Baselines and the blur that makes one of them."""

from __future__ import annotations

import numpy as np
import torch

from convmixer_viz.analyses.attribution.question import NOISES, baselines, blur
from convmixer_viz.engine.runtime import LoadedModel
from tests.unit.analyses.questions import (
    make_question,
)


def test_baselines_are_what_they_say(tiny: LoadedModel) -> None:
    black = baselines(make_question(tiny, "occlusion", baseline="black"))
    np.testing.assert_allclose(black[0, 0], -0.4914 / 0.2471, rtol=1e-5)
    assert not baselines(make_question(tiny, "occlusion", baseline="mean")).any()
    assert len(baselines(make_question(tiny, "occlusion", baseline="noise"))) == NOISES


def test_blur_of_a_point_is_a_gaussian() -> None:
    point = torch.zeros(1, 1, 33, 33, dtype=torch.float64)
    point[..., 16, 16] = 1
    row = blur(point, 2.0)[0, 0, 16]
    expected = torch.exp(-((torch.arange(33) - 16.0) ** 2) / 8)
    shares = [part[10:23] / part.sum() for part in (row, expected.double())]
    torch.testing.assert_close(*shares, rtol=1e-2, atol=1e-6)
    torch.testing.assert_close(blur(torch.ones(1, 3, 9, 9), 5.0), torch.ones(1, 3, 9, 9))
