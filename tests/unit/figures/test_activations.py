"""Channels on one scale, and the strip of blocks in colour."""

import io

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.analyses.activations import compute
from convmixer_viz.figures import activations as figures
from convmixer_viz.questions.activations import Options
from tests.unit.analyses.questions import picture


@pytest.fixture
def result(tiny):
    *_, last = compute(tiny, [picture()], Options(channels=7, block=2))
    return last.partial


def test_channels_share_one_scale_and_tell_their_number(result):
    figure = figures.draw(result)
    (heat,) = figure.data
    np.testing.assert_array_equal(heat.z[:8, :8], result.channel_maps[0])
    np.testing.assert_array_equal(heat.z[9:, :8], result.channel_maps[6])
    assert heat.customdata[0, 0] == result.channels[0]
    assert heat.zmax == -heat.zmin == pytest.approx(np.abs(result.channel_maps).max())
    assert figures.describe_channels(result).split(", ") == [
        str(channel) for channel in result.channels
    ]


def test_a_channel_over_the_view(result):
    np.testing.assert_array_equal(figures.draw_channel(result, 1).data[0].z, result.channel_maps[1])


def test_the_strip_shows_the_components(result):
    picture = np.asarray(Image.open(io.BytesIO(figures.strip_png(result, scale=1))))
    assert picture.shape == (8, 4 * 9 - 1, 4)
    expected = np.round(255 * result.components[1]).astype(np.uint8)
    np.testing.assert_array_equal(picture[:, 9:17, :3], expected)
    assert (picture[:, 8, 3] == 0).all()
    assert "%" in figures.describe_components(result)
