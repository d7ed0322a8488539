"""Seconds by kind of work: in proportion to cost, the late ones first, bounded."""

from __future__ import annotations

import pytest

from convmixer_viz.engine import time_model
from convmixer_viz.engine.time_model import Kind, TimeModel, cost
from tests.conftest import TINY

FIELD = Kind("receptive-field", ("cpu", "exact"), "small")


def test_nothing_is_claimed_of_what_was_never_seen() -> None:
    times = TimeModel()
    times.observe(FIELD, 10, 1)
    for other in (FIELD._replace(name="prediction"), FIELD._replace(choices=("cpu", "fast"))):
        assert times.estimate(other, 10) is None


def test_seconds_are_in_proportion_to_cost() -> None:
    times = TimeModel()
    times.observe(FIELD, 10, 1)
    assert times.estimate(FIELD, 35) == pytest.approx(3.5)


def test_a_new_preset_has_the_others_rate_until_it_has_its_own() -> None:
    times, large = TimeModel(), FIELD._replace(preset="large")
    times.observe(FIELD, 10, 1)
    assert times.estimate(large, 100) == pytest.approx(10)
    times.observe(large, 100, 4)
    assert times.estimate(large, 100) == pytest.approx(4)
    assert times.estimate(FIELD, 10) == pytest.approx(1)


def test_a_machine_that_slows_down_is_noticed() -> None:
    times = TimeModel()
    for _ in range(20):
        times.observe(FIELD, 10, 1)
    times.observe(FIELD, 10, 2)
    later = times.estimate(FIELD, 10)
    assert later is not None and 1.25 < later < 1.35
    for _ in range(20):
        times.observe(FIELD, 10, 2)
    assert times.estimate(FIELD, 10) == pytest.approx(2, abs=0.01)


def test_memory_of_kinds_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_model, "MOST_KINDS", 4)
    times = TimeModel()
    for name in ("a", "b", "c"):
        times.observe(Kind(name, (), "p"), 1, 1)
    assert [times.estimate(Kind(name, (), "p"), 1) for name in "abc"] == [None, 1, 1]


def test_cost_is_the_shapes_multiply_adds() -> None:
    one = sum(TINY.shape.multiply_adds(16, 10).values())
    assert cost(TINY, 16, 5, 3) == 15 * one
    assert cost(TINY, 16, 0, 1) == one  # an analysis without pictures
