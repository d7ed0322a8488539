"""The common look: exact pixels in PNGs, clear grounds, axes of pictures."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from convmixer_viz.contract import Result
from convmixer_viz.figures import color_scales, style
from tests.unit.figures.images import pixels


def open_png(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_png_keeps_pixels_and_enlarges_without_blur() -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    shown = np.asarray(open_png(style.png(rgb, scale=3)))
    assert (shown == rgb.repeat(3, 0).repeat(3, 1)).all()


def test_png_keeps_transparency() -> None:
    rgba = np.array([[[1, 2, 3, 0], [4, 5, 6, 255]]], np.uint8)
    assert np.asarray(open_png(style.png(rgba))).tolist() == rgba.tolist()


def test_palette_png_has_a_clear_gutter_and_the_colours_of_the_scale() -> None:
    values = np.array([[np.nan, -1.0], [0.0, 1.0]])
    png = style.palette_png(values, -1, 1, scale=2)
    picture = open_png(png)
    assert picture.mode == "P" and picture.size == (4, 4)
    rgba = pixels(png)[::2, ::2]
    assert rgba[0, 0, 3] == 0 and (rgba[..., 3].ravel()[1:] == 255).all()
    expected = color_scales.diverging_rgb(values, 1).reshape(4, 3)
    assert (rgba[..., :3].reshape(4, 3)[1:] == expected[1:]).all()


def test_overlay_leaves_grey_where_nothing_counts_and_reddens_what_speaks_for() -> None:
    picture = np.full((8, 8, 3), 100, np.uint8)
    mixed = style.overlay(picture, np.array([[1.0, -1.0], [0.0, 0.5]]), 1.0)
    assert mixed[0, 0, 0] > mixed[0, 0, 2] and mixed[0, 4, 0] < mixed[0, 4, 2]
    assert np.ptp(mixed[4, 0]) == 0


def test_figures_are_clear_and_keep_their_own_settings() -> None:
    fig = style.figure(go.Figure(layout={"xaxis": {"title": "block"}}), "Growth", height=300)
    layout = fig.layout
    assert layout.template.layout.paper_bgcolor == style.CLEAR
    assert (layout.title.text, layout.height) == ("Growth", 300)
    assert layout.xaxis.title.text == "block"


def test_picture_axes_put_the_first_row_on_top() -> None:
    fig = style.picture_axes(go.Figure(go.Heatmap(z=[[1, 2], [3, 4]])))
    assert fig.layout.yaxis.autorange == "reversed" and fig.layout.yaxis.scaleanchor == "x"


def test_a_result_without_provenance_is_a_model_by_its_number() -> None:
    assert style.preset_name(Result()) == "model"
    assert [style.preset_name(Result(), number) for number in range(2)] == ["model 1", "model 2"]
