"""Counts are those of the module; times are of real calls; memory is that of real tensors."""

from __future__ import annotations

from itertools import accumulate

import pytest
import torch

from convmixer_viz.analyses import cost
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import cost as figures
from tests.conftest import TINY
from tests.unit.analyses.questions import picture


@pytest.fixture
def found(tiny):
    *_, last = cost.compute(tiny, [picture()], cost.Options(calls=3))
    return last.partial


def test_counts_are_the_modules(found, tiny):
    assert found.parameters == sum(p.numel() for p in tiny.module.parameters())
    assert 0 < found.depthwise < 1 and found.multiply_adds > found.parameters


def test_as_many_calls_are_timed_as_asked(found, tiny, monkeypatch):
    rows = []
    monkeypatch.setattr(cost, "_held", lambda model, pixels: 7)
    monkeypatch.setattr(cost, "_timed", lambda model, pixels: float(rows.append(pixels) or 2))
    *_, last = cost.compute(tiny, [picture()], cost.Options(calls=4))
    assert len(rows) == 5 and {len(pixels) for pixels in rows} == {last.partial.batch}
    assert last.partial.call_seconds.tolist() == [2.0] * 4
    assert last.partial.peak_bytes == 7 + tiny.nbytes
    assert found.call_seconds.shape == (3,) and (found.call_seconds > 0).all()
    with pytest.raises(ChoiceError, match="measures nothing"):
        cost.Options(calls=0)


def test_memory_is_what_lives_at_once():
    alive, sizes = cost._Alive(), [1000, 3000, 500]
    with cost._watching(alive):
        kept = [torch.zeros(size, dtype=torch.uint8) for size in sizes]
        view = kept[0][:10]
        assert alive.now == alive.most == sum(sizes), "a view holds nothing of its own"
        del kept, view
        assert alive.now == 0
        torch.ones(100)
    assert alive.most == list(accumulate(sizes))[-1]


def test_the_table_tells_the_median_and_how_it_was_measured(found):
    (row,) = figures.table([found])
    assert row["ms a call"] == pytest.approx(1e3 * found.median_seconds, abs=0.06)
    assert row["parameters"] == TINY.parameters
    assert "median of 3 calls" in figures.describe([found])
    assert list(figures.draw(found).data[0].y) == pytest.approx(1e3 * found.call_seconds)
