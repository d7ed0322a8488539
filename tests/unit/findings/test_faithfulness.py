"""Means, intervals, controls and what beats them, on scores whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.findings import faithfulness


def line(method: str, area: float, *, valid: bool = True, **values: Any) -> dict[str, Any]:
    """Scores of a method; random order has 0.5, centre-first 0.6, on every curve."""
    areas = [[area, 0.5, 0.6]] * 2  # (baselines, orders)
    line = {"method": method, "valid": valid, "deletion_area": areas, "insertion_area": areas}
    return line | {"road": 0.25, "infidelity": 1.0, "completeness": None} | values


LINES = [
    line("saliency", 0.1),
    line("saliency", 0.3),
    line("saliency", 0.2),
    line("rise", 0.9, completeness=0.01),
    line("rise", 0.9, completeness=0.03),
    line("deeplift", 0.0, valid=False),
]


def test_an_interval_is_that_of_the_mean() -> None:
    assert faithfulness.interval(np.array([0.1, 0.3, 0.2])) == "0.200 ± 0.113"
    assert np.isnan(faithfulness.half_width(np.array([1.0])))
    values = np.random.default_rng(0).normal(size=(2000, 25))
    inside = [abs(row.mean()) < faithfulness.half_width(row) for row in values]
    assert np.mean(inside) == pytest.approx(0.94, abs=0.02)


def test_a_row_a_method_and_the_controls_of_the_fullest_one() -> None:
    head, _, *rows = faithfulness.table(LINES).splitlines()
    assert head.startswith("| method | pictures | deletion, mean | deletion, blur |")
    assert rows[0].startswith("| saliency | 3 | 0.200 ± 0.113 |")
    assert rows[1].startswith("| rise | 2 | 0.900 ± 0.000 |")
    assert rows[1].endswith("| 0.250 ± 0.000 | 1.000 ± 0.000 |")
    assert rows[2].startswith("| random | 3 | 0.500 ± 0.000 |") and rows[2].endswith("|  |  |")
    assert rows[3].startswith("| centre-first | 3 | 0.600 ± 0.000 |") and len(rows) == 4


def test_controls_are_beaten_on_the_good_side_of_each_curve() -> None:
    beaten = faithfulness.beat_controls(LINES)
    assert beaten["deletion, mean"] == beaten["deletion, blur"] == ["saliency"]
    assert beaten["insertion, mean"] == beaten["insertion, blur"] == ["rise"]
    wide = [line("saliency", 0.0), line("saliency", 0.9)]
    assert not any(faithfulness.beat_controls(wide).values())


def test_completeness_is_told_of_those_that_promise_it() -> None:
    sentence = faithfulness.completeness(LINES)
    assert sentence == "rise: median 2.00%, 95th percentile 2.90%"


def test_randomisation_is_the_mean_by_stage() -> None:
    lines = [
        line("saliency", 0, stages=["head", "stem"], randomisation=[0.5, 0.2]),
        line("saliency", 0, stages=["head", "stem"], randomisation=[0.1, 0.0]),
    ]
    table = faithfulness.curves(lines).splitlines()
    assert table[0] == "| method | pictures | head | stem |"
    assert table[2] == "| saliency | 2 | 0.30 | 0.10 |"
