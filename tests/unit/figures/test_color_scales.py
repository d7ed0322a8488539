"""The scales' promises: known colours, contrast on both grounds, apart for the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style

Floats = NDArray[np.float64]

GROUNDS = ("#ffffff", "#0e1117")
DEUTAN = np.array(  # Machado, Oliveira and Fernandes 2009, full severity
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTAN = np.array(
    [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
)


def linear_rgb(color: str) -> Floats:
    """A colour #rrggbb in linear light, 0 … 1."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """The ratio of luminances as WCAG defines it, 1 … 21."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(weights @ linear_rgb(color)) for color in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", GROUNDS)
def test_colours_and_text_stand_out_on_both_grounds(ground: str) -> None:
    assert all(contrast(color, ground) >= 2.9 for color in color_scales.CATEGORICAL)
    assert contrast(style.INK, ground) >= 4.0


@pytest.mark.parametrize("sight", [np.eye(3), DEUTAN, PROTAN], ids=["full", "deutan", "protan"])
def test_the_first_four_colours_stay_apart_for_the_colour_blind(sight: Floats) -> None:
    colors = color_scales.CATEGORICAL[:4]
    seen = [np.clip(sight @ linear_rgb(color), 0, 1) ** (1 / 2.2) for color in colors]
    assert min(np.abs(a - b).max() for a, b in combinations(seen, 2)) > 0.15


def test_diverging_is_white_at_zero_blue_below_red_above() -> None:
    blue, white, red = color_scales.diverging_rgb(np.array([-2.0, 0.0, 2.0]), 2.0)
    assert white.tolist() == [247, 247, 247]
    assert blue.tolist() == [5, 48, 97] and red.tolist() == [103, 0, 31]


def test_values_beyond_the_limits_are_clipped_and_gaps_are_grey() -> None:
    values = np.array([-9.0, 0.0, 1.0, 9.0, np.nan])
    colors = color_scales.palette(color_scales.SEQUENTIAL)[color_scales.levels(values, 0.0, 1.0)]
    assert colors[0].tolist() == colors[1].tolist() and colors[2].tolist() == colors[3].tolist()
    assert colors[4].tolist() == [128, 128, 128]


def test_a_constant_picture_takes_the_middle_of_the_scale() -> None:
    assert color_scales.diverging_rgb(np.zeros((2, 2)), 0.0)[0, 0].tolist() == [247, 247, 247]


def test_sequential_grows_brighter_all_the_way() -> None:
    colors = color_scales.sample(color_scales.SEQUENTIAL, 64).astype(float)
    assert (np.diff(colors @ [0.2126, 0.7152, 0.0722]) > 0).all()
