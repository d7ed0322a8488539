"""The strip: a column a block, its pictures in place, light enough for the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmixer_viz.figures import color_scales, strip
from tests.unit.figures.images import pixels


def rows(depth: int, side: int = 64, tokens: int = 16) -> dict[str, Any]:
    """Noise for every row of a strip."""
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


def test_columns_are_the_stem_the_blocks_and_the_head() -> None:
    sheet = strip.draw(3, **rows(3))
    assert sheet.heads == ("stem", "1", "2", "3", "head")
    assert sheet.values == ((0,), (1,), (2,), (3,), None)
    assert [band.name for band in sheet.bands] == list(strip.ROWS)
    assert all(len(band.texts) == 5 for band in sheet.bands)


def test_a_kernel_stands_in_its_blocks_column_on_one_scale() -> None:
    kernels = np.zeros((2, 16, 3, 3))
    kernels[1, 0, 0, 0], kernels[0, 5, 2, 2] = 1.0, -0.5
    band = strip.draw(2, kernels=kernels).bands[0]
    shown, side = pixels(band.png), band.tile[0]
    limit = float(np.quantile(np.abs(kernels), 0.995))
    colors = color_scales.diverging_rgb(np.array([1.0, -0.5]), limit)
    assert side == 15 and shown.shape == (15, 4 * 15, 4)
    assert shown[0, 2 * side, :3].tolist() == colors[0].tolist()
    assert shown[6, side + 6, :3].tolist() == colors[1].tolist()
    assert shown[0, side + 3, 3] == 0, "the gutter between kernels is clear"
    assert (shown[:, :side, 3] == 0).all(), "the stem has no kernels"


def test_the_field_is_clear_where_it_is_strong_and_veils_the_rest() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[...] = (200, 40, 40)
    field = np.zeros((8, 8))
    field[2, 3] = 4.0
    shown = strip.veil(picture, field)
    assert shown[2, 3].tolist() == [200, 40, 40]
    assert np.ptp(shown[0, 0]) == 0, "grey elsewhere"
    assert strip.veil(picture, np.zeros((8, 8))).shape == (8, 8, 3)


def test_components_keep_their_colours() -> None:
    components = np.zeros((2, 2, 2, 3))
    components[0, ..., 0] = components[1, ..., 2] = 1.0
    shown = pixels(strip.draw(1, components=(components, np.ones(2))).bands[2].png)
    assert shown[0, 0, :3].tolist() == [255, 0, 0] and shown[0, 2, :3].tolist() == [0, 0, 255]


def test_texts_say_what_a_cell_shows() -> None:
    probes = [("dog", 0.2), ("cat", 0.5), ("cat", 0.975)]
    band = strip.draw(1, probes=probes, target="cat").bands[3]
    assert band.texts == (
        "Stem would say dog; cat: 20 %",
        "Block 1 would say cat; cat: 50 %",
        "Head says cat; cat: 98 %",
    )
    assert band.captions == ("dog", "cat", "cat") and band.shares == (0.2, 0.5, 0.975)


@pytest.mark.parametrize("row", range(4))
def test_a_missing_row_says_what_would_stand_there(row: int) -> None:
    names = ("kernels", "fields", "components", "probes")
    sheet = strip.draw(4, **(rows(4) | {names[row]: None}))
    assert not any(sheet.bands[row].texts) and "stand" in sheet.bands[row].empty
    assert all(any(band.texts) for i, band in enumerate(sheet.bands) if i != row)
    assert bool(sheet.bands[row].captions) == (row == 3), "its height stays"


@pytest.mark.parametrize(("depth", "tokens"), [(8, 16), (32, 32)])
def test_a_strip_is_light_even_for_noise(depth: int, tokens: int) -> None:
    """Noise is the worst case: no picture packs worse."""
    sheet = strip.draw(depth, **rows(depth, 224, tokens))
    assert sum(len(band.png) for band in sheet.bands) * 4 / 3 < 200_000
