"""Sheets of tokens and regions: a cell a token, a pick only where there is room."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from convmixer_viz.figures.picture_edits import cut, region_sheet, token_sheet
from convmixer_viz.figures.sheet import Region

VIEW = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)  # 4 × 4 tokens of 2 px


def test_every_token_can_be_picked_and_says_whether_it_is_gone() -> None:
    sheet = token_sheet(VIEW, 4, {5})
    assert sheet.values == tuple((n,) for n in range(16)) and sheet.region is None
    assert [n for n, text in enumerate(sheet.bands[0].texts) if "removed" in text] == [5]
    assert sheet.bands[0].texts[5] == "token 5: row 1, column 1, removed"


def test_a_region_stays_inside() -> None:
    sheet = region_sheet(VIEW, 4, Region(2, 3), "where")
    room = [value[0] for value in sheet.values if value]
    assert room == [0, 1, 4, 5, 8, 9]


def test_a_region_shows_its_part_of_the_view() -> None:
    part = np.asarray(Image.open(io.BytesIO(cut(VIEW, 4, 6, (2, 1)))))
    assert np.array_equal(part, VIEW[2:6, 4:6])
