"""Channels on one scale, and the strip of blocks in colour."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.figures import activations as figures
from convmixer_viz.questions.activations import Activations
from tests.unit.figures.images import pixels


def test_channels_share_one_scale_and_say_their_number(activations: Activations) -> None:
    (heat,) = figures.draw(activations).data
    np.testing.assert_array_equal(heat.z[:8, :8], activations.channel_maps[0])
    np.testing.assert_array_equal(heat.z[9:, :8], activations.channel_maps[6])
    assert heat.customdata[0, 0] == activations.channels[0]
    assert heat.zmax == -heat.zmin == pytest.approx(np.abs(activations.channel_maps).max())
    numbers = [str(channel) for channel in activations.channels]
    assert figures.describe_channels(activations).split(", ") == numbers


def test_the_strip_shows_the_components(activations: Activations) -> None:
    shown = pixels(figures.strip_png(activations, scale=1))
    assert shown.shape == (8, 4 * 9 - 1, 4)
    expected = np.round(255 * activations.components[1]).astype(np.uint8)
    np.testing.assert_array_equal(shown[:, 9:17, :3], expected)
    assert (shown[:, 8, 3] == 0).all()
    assert "%" in figures.describe_components(activations)
