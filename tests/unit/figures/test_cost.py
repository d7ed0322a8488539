"""The table, the sentence and the figure of what presets cost, out of known numbers."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.figures import cost as figures
from convmixer_viz.questions.cost import Cost

COST = Cost(
    parameters=12_345,
    multiply_adds=2_500_000,
    depthwise=0.125,
    batch=4,
    call_seconds=np.array([0.02, 0.01, 0.04]),
    median_seconds=0.02,
    peak_bytes=3_000_000,
)


def test_the_table_has_counts_and_the_median() -> None:
    (row,) = figures.table([COST])
    assert row["parameters"] == 12_345 and row["multiply-adds (M)"] == 2.5
    assert row["of them depthwise"] == "12.5%"
    assert row["ms a call"] == 20 and row["fastest to slowest"] == "10.0 to 40.0"
    assert row["pictures a second"] == 200 and row["memory (MB)"] == 3


def test_the_sentence_says_how_it_was_measured() -> None:
    assert "median of 3 calls" in figures.describe([COST])
    assert "4 pictures a call" in figures.describe([COST])


def test_the_figure_has_every_call_in_ms() -> None:
    assert list(figures.draw(COST).data[0].y) == pytest.approx([20, 10, 40])
