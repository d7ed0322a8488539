"""The picture as a token sees it, its picker, and the strip of blocks."""

from __future__ import annotations

from convmixer_viz.figures.receptive_field import sheets
from convmixer_viz.questions.receptive_field import ReceptiveField
from tests.unit.figures.images import pixels


def test_the_picture_is_clear_at_the_token_and_veiled_far_away(field: ReceptiveField) -> None:
    shown = pixels(sheets.token_view_png(field, 1))
    assert shown[..., :3].shape == field.view.shape
    row, column = (int(c) for c in field.centre)
    assert abs(shown[row, column, 0] - 200) < 8
    assert shown[0, 0, 0] == 162  # the veil of a grey of 200: 72 + 0.45 · 200


def test_the_picker_has_a_cell_a_token(field: ReceptiveField) -> None:
    sheet = sheets.token_picker(field, 2)
    assert len(sheet.values) == 144 and sheet.values[13] == (1, 1)
    assert sheet.bands[0].texts[13] == "token 1, 1" and sheet.bands[0].across == 12


def test_the_strip_has_a_column_a_block(field: ReceptiveField) -> None:
    strip = sheets.strip(field)
    assert strip.values == ((0,), (1,), (2,), (3,)) and strip.heads[0] == "stem"
    assert strip.bands[1].captions[2] == f"{field.sigma[2]:.1f} px"
