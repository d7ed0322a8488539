"""Tiles side by side in one array."""

from __future__ import annotations

import numpy as np

from convmixer_viz.figures.sheet import mosaic


def test_mosaic_places_tiles_row_by_row_with_gaps() -> None:
    tiles = np.arange(3.0)[:, None, None] * np.ones((1, 2, 2))
    picture = mosaic(tiles, across=2)
    assert picture.shape == (5, 5)
    assert picture[0, 0] == 0 and picture[0, 3] == 1 and picture[3, 0] == 2
    assert np.isnan(picture[2]).all() and np.isnan(picture[:, 2]).all()
    assert np.isnan(picture[4, 4])
