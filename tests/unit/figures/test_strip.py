"""The strip: a column a block, its pictures in place, light enough for the browser."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.figures import strip, style
from convmixer_viz.figures.sheet import mosaic


def _parts(depth: int, side: int = 64, tokens: int = 16) -> dict:
    rng = np.random.default_rng(0)
    return {
        "kernels": rng.normal(size=(depth, 16, 5, 5)),
        "fields": (
            rng.integers(0, 256, (side, side, 3), np.uint8),
            rng.random((depth + 1, side, side)),
            np.arange(depth + 1.0),
        ),
        "components": (rng.random((depth + 1, tokens, tokens, 3)), np.full(depth + 1, 0.5)),
        "probes": [("cat", i / (depth + 1)) for i in range(depth + 2)],
    }


def _pixels(band) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(band.png)).convert("RGBA"))


def test_columns_are_the_stem_the_blocks_and_the_head():
    sheet = strip.draw(3, **_parts(3))
    assert sheet.heads == ("stem", "1", "2", "3", "head")
    assert sheet.values == ((0,), (1,), (2,), (3,), None)
    assert [band.name for band in sheet.bands] == list(strip.ROWS)
    assert all(len(band.texts) == 5 for band in sheet.bands)


def test_a_kernel_stands_in_its_blocks_column_on_one_scale():
    kernels = np.zeros((2, 16, 3, 3))
    kernels[1, 0, 0, 0], kernels[0, 5, 2, 2] = 1.0, -0.5
    band = strip.draw(2, kernels=kernels).bands[0]
    pixels, side = _pixels(band), band.tile[0]
    limit = np.quantile(np.abs(kernels), 0.995)
    colors = style.diverging_rgb(np.array([1.0, -0.5]), limit)
    assert side == 15 and pixels.shape == (15, 4 * 15, 4)
    assert pixels[0, 2 * side, :3].tolist() == colors[0].tolist()
    assert pixels[6, side + 6, :3].tolist() == colors[1].tolist()
    assert pixels[0, side + 3, 3] == 0, "the gutter between kernels is clear"
    assert (pixels[:, :side, 3] == 0).all(), "the stem has no kernels"


def test_the_field_opens_where_it_is_strong_and_veils_the_rest():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[...] = (200, 40, 40)
    field = np.zeros((8, 8))
    field[2, 3] = 4.0
    shown = strip.veil(picture, field)
    assert shown[2, 3].tolist() == [200, 40, 40]
    assert np.ptp(shown[0, 0]) == 0, "grey elsewhere"
    assert strip.veil(picture, np.zeros((8, 8))).shape == (8, 8, 3)


def test_components_keep_their_colours():
    components = np.zeros((2, 2, 2, 3))
    components[0, ..., 0] = components[1, ..., 2] = 1.0
    pixels = _pixels(strip.draw(1, components=(components, np.ones(2))).bands[2])
    assert pixels[0, 0, :3].tolist() == [255, 0, 0] and pixels[0, 2, :3].tolist() == [0, 0, 255]


def test_words_tell_what_a_cell_shows():
    probes = [("dog", 0.2), ("cat", 0.5), ("cat", 0.975)]
    says = strip.draw(1, probes=probes, target="cat").bands[3]
    assert says.texts == (
        "Stem would say dog; cat: 20 %",
        "Block 1 would say cat; cat: 50 %",
        "Head says cat; cat: 98 %",
    )
    assert says.captions == ("dog", "cat", "cat") and says.shares == (0.2, 0.5, 0.975)


@pytest.mark.parametrize("row", range(4))
def test_a_missing_row_says_what_would_stand_there(row):
    names = ("kernels", "fields", "components", "probes")
    sheet = strip.draw(4, **(_parts(4) | {names[row]: None}))
    assert not any(sheet.bands[row].texts) and "stand" in sheet.bands[row].empty
    assert all(any(band.texts) for i, band in enumerate(sheet.bands) if i != row)
    assert bool(sheet.bands[row].captions) == (row == 3), "its height stays"


@pytest.mark.parametrize("depth, tokens", [(8, 16), (32, 32)])
def test_a_strip_is_light_even_for_noise(depth, tokens):
    """Noise is the worst case: no picture packs worse."""
    sheet = strip.draw(depth, **_parts(depth, 224, tokens))
    assert sum(len(band.png) for band in sheet.bands) * 4 / 3 < 200_000


def test_mosaic_places_tiles_row_by_row_with_gaps():
    tiles = np.arange(3.0)[:, None, None] * np.ones((1, 2, 2))
    whole = mosaic(tiles, across=2)
    assert whole.shape == (5, 5)
    assert whole[0, 0] == 0 and whole[0, 3] == 1 and whole[3, 0] == 2
    assert np.isnan(whole[2]).all() and np.isnan(whole[:, 2]).all() and np.isnan(whole[4, 4])
