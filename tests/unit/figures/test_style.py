"""The style's promises: known colours, exact pixels, contrast on both grounds."""

from __future__ import annotations

from io import BytesIO
from itertools import combinations

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from convmixer_viz.figures import style

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


def _linear(color: str) -> np.ndarray:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _contrast(a: str, b: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(weights @ _linear(color)) for color in (a, b))
    return (high + 0.05) / (low + 0.05)


def _opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("ground", GROUNDS)
def test_colours_and_words_stand_out_on_both_grounds(ground):
    assert all(_contrast(color, ground) >= 2.9 for color in style.CATEGORICAL)
    assert _contrast(style.INK, ground) >= 4.0


@pytest.mark.parametrize("sight", [np.eye(3), DEUTAN, PROTAN], ids=["full", "deutan", "protan"])
def test_the_first_four_colours_stay_apart_for_the_colour_blind(sight):
    seen = [np.clip(sight @ _linear(color), 0, 1) ** (1 / 2.2) for color in style.CATEGORICAL[:4]]
    assert min(np.abs(a - b).max() for a, b in combinations(seen, 2)) > 0.15


def test_diverging_is_white_at_zero_blue_below_red_above():
    blue, white, red = style.diverging_rgb(np.array([-2.0, 0.0, 2.0]), 2.0)
    assert white.tolist() == [247, 247, 247]
    assert blue.tolist() == [5, 48, 97] and red.tolist() == [103, 0, 31]


def test_values_beyond_the_limits_are_clipped_and_gaps_are_grey():
    colors = style.sequential_rgb(np.array([-9.0, 0.0, 1.0, 9.0, np.nan]), 0.0, 1.0)
    assert colors[0].tolist() == colors[1].tolist() and colors[2].tolist() == colors[3].tolist()
    assert colors[4].tolist() == [128, 128, 128]


def test_a_constant_picture_takes_the_middle_of_the_scale():
    assert style.diverging_rgb(np.zeros((2, 2)), 0.0)[0, 0].tolist() == [247, 247, 247]


def test_sequential_grows_brighter_all_the_way():
    colors = style.table(style.SEQUENTIAL, 64).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(colors) > 0).all()


def test_png_keeps_pixels_and_enlarges_without_blur():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    opened = np.asarray(_opened(style.png(pixels, scale=3)))
    assert (opened == pixels.repeat(3, 0).repeat(3, 1)).all()


def test_png_keeps_transparency():
    pixels = np.array([[[1, 2, 3, 0], [4, 5, 6, 255]]], np.uint8)
    assert np.asarray(_opened(style.png(pixels))).tolist() == pixels.tolist()


def test_palette_png_has_a_clear_gutter_and_the_colours_of_the_scale():
    values = np.array([[np.nan, -1.0], [0.0, 1.0]])
    picture = _opened(style.palette_png(values, -1, 1, scale=2))
    assert picture.mode == "P" and picture.size == (4, 4)
    rgba = np.asarray(picture.convert("RGBA"))[::2, ::2]
    assert rgba[0, 0, 3] == 0 and (rgba[..., 3].ravel()[1:] == 255).all()
    assert (
        rgba[..., :3].reshape(4, 3)[1:] == style.diverging_rgb(values, 1).reshape(4, 3)[1:]
    ).all()


def test_color_bar_runs_from_low_to_high():
    bar = np.asarray(_opened(style.color_bar_png(style.DIVERGING, width=9, height=4)))
    assert bar.shape == (4, 9, 3) and bar[0, 4].tolist() == [247, 247, 247]
    assert bar[0, 0, 2] > bar[0, 0, 0] and bar[0, -1, 0] > bar[0, -1, 2]


def test_overlay_leaves_grey_where_nothing_counts_and_reddens_what_speaks_for():
    picture = np.full((8, 8, 3), 100, np.uint8)
    mixed = style.overlay(picture, np.array([[1.0, -1.0], [0.0, 0.5]]), 1.0)
    assert mixed[0, 0, 0] > mixed[0, 0, 2] and mixed[0, 4, 0] < mixed[0, 4, 2]
    assert np.ptp(mixed[4, 0]) == 0


def test_figures_are_clear_and_keep_their_own_settings():
    fig = style.figure(go.Figure(layout={"xaxis": {"title": "block"}}), "Growth", height=300)
    layout = fig.layout
    assert layout.template.layout.paper_bgcolor == style.CLEAR
    assert (layout.title.text, layout.height) == ("Growth", 300)
    assert layout.xaxis.title.text == "block"


def test_picture_axes_put_the_first_row_on_top():
    fig = style.picture_axes(go.Figure(go.Heatmap(z=[[1, 2], [3, 4]])))
    assert fig.layout.yaxis.autorange == "reversed" and fig.layout.yaxis.scaleanchor == "x"
