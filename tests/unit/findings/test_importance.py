"""The tables of importance on known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.findings import importance


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_top_tenth_of_ten_is_the_largest() -> None:
    assert importance.top_share(np.arange(10.0)) == pytest.approx(9 / 45)
    assert importance.top_share(np.ones(20)) == pytest.approx(0.1)


def test_correlations_are_taken_within_blocks() -> None:
    rising = np.arange(6.0)
    matter = np.stack([rising, rising + 100, rising])
    statistic = np.stack([rising, -rising, np.ones(6)])
    assert importance.within(matter, statistic).tolist() == pytest.approx([1, -1, 0])


def test_a_class_that_always_matters_most_lies_outside_the_shuffles() -> None:
    matter = np.stack([np.arange(40.0)] * 3) * np.array([[1], [100], [10_000]])
    code = np.zeros((3, 40), np.int64)
    code[:, -4:] = 2
    head, _, first, top = cells(importance.by_class(code, ("a", "b", "c"), matter))
    assert head == ["class", "kernels", "mean rank", "shuffled"]
    assert first[:3] == ["a", "108", f"{17.5 / 39:.3f}"]
    assert top[:3] == ["c", "12", f"{37.5 / 39:.3f}"]
    low, high = map(float, top[3].split(" to "))
    assert low < 0.5 < high < 0.8


def test_sums_are_means_over_the_halves() -> None:
    class Half:
        def __init__(self, value: float) -> None:
            self.tenth_divergence = np.stack([np.full(10, value), np.full(10, value / 2)])
            self.tenth_logit_change = -self.tenth_divergence

    halves: Any = [Half(1.0), Half(3.0)]
    rows = cells(importance.sums(halves))
    assert rows[2] == ["at once", "2 (2 to 2)", "-2 (-2 to -2)"]
    assert rows[3] == ["sum of single effects", "1 (1 to 1)", "-1 (-1 to -1)"]
