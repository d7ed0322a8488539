"""Growth with depth, one field large, several beside each other, the table of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.figures.receptive_field import fields as figures
from convmixer_viz.questions.receptive_field import ReceptiveField


def test_growth_has_every_baseline_in_the_squares_sigma(field: ReceptiveField) -> None:
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


def test_one_field_stands_in_px_about_its_token(field: ReceptiveField) -> None:
    heat, one, two, bars, bell = figures.draw_field(field, 2).data
    assert np.array(heat.z) == pytest.approx(field.pixels[2] / field.pixels[2].max())
    assert heat.x0 == 0.5
    centre = [np.mean(one.y[:-1]), np.mean(one.x[:-1])]
    assert centre == pytest.approx(field.centre)
    widths = np.ptp(two.x) / 4, np.ptp(two.y) / 4
    assert widths == pytest.approx(np.sqrt(np.diag(field.moments[2])[::-1]), rel=0.01)
    assert sum(bars.y) == pytest.approx(1) and sum(bell.y) == pytest.approx(1)
    assert len(figures.draw_field(field, 0).data) == 4  # one token: no bell to fit


def test_several_presets_share_one_scale_in_px(field: ReceptiveField) -> None:
    figure = figures.compare_fields([field, field], [1, 3])
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range == (-12, 12)
    assert figure.data[0].x0 == 0.5 - field.centre[1]


def test_the_table_has_a_row_a_block(field: ReceptiveField) -> None:
    rows = figures.table(field)
    assert [row["block"] for row in rows] == [0, 1, 2, 3]
    assert rows[2]["r(50 %)"] == pytest.approx(100 * field.ratio[2, 2], abs=1e-3)
