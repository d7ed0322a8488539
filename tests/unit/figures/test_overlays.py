"""Maps over the view: raw numbers, a scale about zero, cells where the tokens are."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from convmixer_viz.figures import overlays
from tests.unit.figures.images import pixels

VIEW = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)


def test_a_signed_map_is_centred_on_zero_and_raw() -> None:
    values = np.array([[-1.0, 0.5], [0.25, 3.0]], np.float32)
    heat, _ = overlays.draw(VIEW, values).data
    assert (heat.zmin, heat.zmax) == (-3, 3)
    np.testing.assert_array_equal(heat.z, values)
    (low, *_, high) = heat.colorscale
    assert low[0] == 0 and high[0] == 1


def test_an_unsigned_map_starts_at_zero() -> None:
    heat, _ = overlays.draw(VIEW, np.ones((2, 2)), signed=False, limit=5.0).data
    assert (heat.zmin, heat.zmax) == (0, 5)


def test_a_map_of_zeros_has_a_scale() -> None:
    heat, _ = overlays.draw(VIEW, np.zeros((2, 2))).data
    assert heat.zmin < 0 < heat.zmax


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_colours_fade_at_zero_and_grow_with_strength(strength: float) -> None:
    alphas = [
        float(c.split(",")[-1].rstrip(")")) for _, c in overlays.see_through_scale(True, strength)
    ]
    assert alphas[len(alphas) // 2] == 0
    assert alphas[0] == alphas[-1] == pytest.approx(strength)


@pytest.mark.parametrize("signed", [True, False])
def test_the_bar_shows_the_scale_over_the_grounds_grey_on_any_page(signed: bool) -> None:
    colors = [color for _, color in overlays.scale_over_grey(signed, 0.85)]
    assert all(color.startswith("rgb(") for color in colors), "nothing shines through"
    nothing = colors[len(colors) // 2] if signed else colors[0]
    assert nothing == "rgb(142, 142, 142)"
    bar = overlays.draw(VIEW, np.ones((2, 2)), signed=signed, limit=2.0).layout.coloraxis
    assert (bar.cmin, bar.cmax) == (-2 if signed else 0, 2)


def test_the_view_lies_under_the_cells() -> None:
    figure = overlays.draw(VIEW, np.zeros((8, 8)))
    (image,) = figure.layout.images
    assert (image.x, image.y) == (-0.5, -0.5)
    assert image.sizex == image.sizey == 8
    width = pixels(base64.b64decode(image.source.split(",")[1])).shape[1]
    assert width % 16 == 0 and width >= 400


def test_limits_are_shared() -> None:
    assert overlays.shared_limit([np.array([1.0, -4.0]), np.array([2.0])]) == 4


def test_thumbnails_stand_side_by_side() -> None:
    png = overlays.strip_png(np.array([[[1.0, -1.0]], [[5.0, 0.0]]]), scale=3)
    picture = pixels(png)
    assert picture.shape == (3, 15, 4)
    assert (picture[0, 0] == picture[0, 9]).all()  # each on its own scale
    assert picture[0, 7, 3] == 0
