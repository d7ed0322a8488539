"""The queue on paper, where the answer is known."""

from __future__ import annotations

import json
import statistics

import pytest

from tests.integration.app.simulation import Kind, measured, people_served, simulate

ONE = Kind("prediction", 1, [0.5])


def test_one_person_waits_for_the_work_alone() -> None:
    waits = simulate([ONE], people=1, pause=3, seconds=1000)["prediction"]
    assert waits == pytest.approx([0.5] * len(waits)) and len(waits) == pytest.approx(286, rel=0.2)


def test_people_without_pause_wait_for_all_others() -> None:
    waits = simulate([ONE], people=10, pause=1e-6, seconds=500)["prediction"]
    assert statistics.median(waits) == pytest.approx(5) and max(waits[10:]) == pytest.approx(5)


def test_a_device_with_half_its_time_free_has_the_waits_of_theory() -> None:
    """Many people, exponential pauses, equal work: M/D/1, mean wait s + ρ s / (2 (1 − ρ))."""
    waits = simulate([ONE], people=1000, pause=1000, seconds=200_000)["prediction"]
    rho = 0.5 * 1000 / (1000 + 0.75)
    assert statistics.mean(waits) == pytest.approx(0.5 + rho * 0.5 / (2 * (1 - rho)), rel=0.03)


def test_short_work_does_not_wait_for_long() -> None:
    long = Kind("field", 1, [20.0], steps=20)
    waits = simulate([ONE, long], people=10, pause=5, seconds=5000)
    assert statistics.median(waits["prediction"]) < 10  # a round of everybody's turns of 1 s
    assert statistics.median(waits["field"]) > 50
    assert max(waits["field"]) < 10 * 20 + 60  # and long work isn't starved


def test_a_log_says_how_many_people_a_process_serves() -> None:
    entry = {"analysis": "prediction", "outcome": "done", "computed": 1.0}
    lines = [json.dumps(entry), json.dumps(entry | {"outcome": "left"}), "no JSON"]
    kinds = measured(lines)
    assert kinds == [Kind("prediction", 1, [1.0])]
    # closed queue: with n people always waiting each waits n; with pauses of 30 s about 30 + 10
    assert people_served(kinds) == pytest.approx(40, abs=3)
