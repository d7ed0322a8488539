"""Tiles of pictures, and windows cut out of a view."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from convmixer_viz.figures import pictures


def test_tiles_stand_in_their_order_and_pick_their_number() -> None:
    shades = [np.full((8, 16, 3), shade, np.uint8) for shade in range(0, 130, 10)]
    sheet = pictures.sheet(shades, range(5, 18), [f"text {n}" for n in range(13)])
    assert sheet.values == tuple((n,) for n in range(5, 18)) and sheet.layout == "grid"
    whole = np.asarray(Image.open(BytesIO(sheet.bands[0].png)).convert("RGB")).astype(int)
    side = pictures.SIDE
    assert whole.shape[:2] == (2 * side, 12 * side)
    middle = whole[side // 2, side // 2 :: side, 0]
    assert np.abs(middle - np.arange(0, 120, 10)).max() <= 6  # of so many colours
    assert abs(whole[side + side // 2, side // 2, 0] - 120) <= 4
    assert np.abs(whole[2, 2] - pictures.GREY).max() <= 4  # above a wide picture


def test_a_window_is_grey_beyond_the_picture() -> None:
    view = np.zeros((8, 8, 3), np.uint8)
    view[2:4, 4:6] = 200  # token 1, 2 of patches of 2
    window = pictures.window(view, (1, 2), 3, 2)
    assert window.shape == (6, 6, 3) and (window[2:4, 2:4] == 200).all()
    assert (window[:2] == 0).all()
    edge = pictures.window(view, (0, 0), 3, 2)
    assert (edge[:2] == pictures.GREY).all() and (edge[:, :2] == pictures.GREY).all()
