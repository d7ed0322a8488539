from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from convmixer_viz.analyses.receptive_field import fields as analysis
from convmixer_viz.figures.receptive_field import fields as figures, sentences, sheets
from convmixer_viz.pictures.prepare import PreparedPicture
from tests.conftest import loaded


@pytest.fixture(scope="module")
def field() -> analysis.ReceptiveField:
    array = torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(1)).numpy()
    view = np.full((24, 24, 3), 200, np.uint8)
    image = PreparedPicture("noise", "0", array, view, (0, 0, 24, 24))
    for step in analysis.compute(loaded(), [image], analysis.Options()):
        last = step
    return last.partial


def test_growth_has_every_baseline_in_the_squares_sigma(field: analysis.ReceptiveField) -> None:
    figure = figures.draw(field, twin=field)
    curves = {trace.name: np.array(trace.y) for trace in figure.data}
    assert np.array_equal(curves["measured"], field.sigma_square)
    assert np.array_equal(curves["untrained"], field.sigma_square)
    assert np.array_equal(curves["weights alone"], field.weights_only)
    assert np.array_equal(curves["null model"], field.null)
    flat = np.minimum(field.theoretical, 24) / 12**0.5
    assert curves["flat over the theoretical field"] == pytest.approx(flat)
    both = figures.compare_growth([field, field])
    shown = [trace.name for trace in both.data if trace.showlegend is not False]
    assert shown == ["model 1 measured", "model 2 measured", *list(figures.STYLES)[:-1]]


def test_one_field_stands_in_px_about_its_token(field: analysis.ReceptiveField) -> None:
    heat, one, two, bars, bell = figures.draw_field(field, 2).data
    assert np.array(heat.z) == pytest.approx(field.pixels[2] / field.pixels[2].max())
    assert heat.x0 == 0.5
    centre = [np.mean(one.y[:-1]), np.mean(one.x[:-1])]
    assert centre == pytest.approx(field.centre)
    widths = np.ptp(two.x) / 4, np.ptp(two.y) / 4
    assert widths == pytest.approx(np.sqrt(np.diag(field.moments[2])[::-1]), rel=0.01)
    assert sum(bars.y) == pytest.approx(1) and sum(bell.y) == pytest.approx(1)
    assert len(figures.draw_field(field, 0).data) == 4  # one token: no bell to fit


def test_several_presets_share_one_scale_in_px(field: analysis.ReceptiveField) -> None:
    figure = figures.compare_fields([field, field], [1, 3])
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range == (-12, 12)
    assert figure.data[0].x0 == 0.5 - field.centre[1]


def test_the_opening_is_clear_at_the_token_and_veiled_far_away(
    field: analysis.ReceptiveField,
) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(sheets.token_view_png(field, 1))).convert("RGB"))
    assert pixels.shape == field.view.shape
    row, column = (int(c) for c in field.centre)
    assert abs(int(pixels[row, column, 0]) - 200) < 8
    assert pixels[0, 0, 0] == 162  # the veil of a grey of 200: 72 + 0.45 · 200


def test_the_picker_has_a_cell_a_token_and_the_strip_a_column_a_block(
    field: analysis.ReceptiveField,
) -> None:
    sheet = sheets.token_picker(field, 2)
    assert len(sheet.values) == 144 and sheet.values[13] == (1, 1)
    assert sheet.bands[0].texts[13] == "token 1, 1" and sheet.bands[0].across == 12
    strip = sheets.strip(field)
    assert strip.values == ((0,), (1,), (2,), (3,)) and strip.heads[0] == "stem"
    assert strip.bands[1].captions[2] == f"{field.sigma[2]:.1f} px"


def test_words_are_filled_with_the_numbers(field: analysis.ReceptiveField) -> None:
    assert f"σ {field.sigma[3]:.1f} px" in sentences.describe(field, 3)
    rows = figures.table(field)
    assert [row["block"] for row in rows] == [0, 1, 2, 3]
    assert rows[2]["r(50 %)"] == pytest.approx(100 * field.ratio[2, 2], abs=1e-3)
    cut = sentences.describe_cut(field)
    assert (cut is None) == (not field.touches.any())
    assert cut and f"from block {field.blocks[int(field.touches.argmax())]}" in cut


def test_growth_and_ratios_in_words(field: analysis.ReceptiveField) -> None:
    share = field.sigma_square[-1] / field.weights_only[-1]
    words = sentences.describe_growth(field, field)
    assert f"{share:.0%} of what its weights alone" in words and "100% of its untrained" in words
    assert "by the procedure of RepLKNet's" in sentences.describe_ratios(field)
