"""Counts are those of the module; times are of real calls; memory is that of real tensors."""

from __future__ import annotations

from itertools import accumulate

import pytest
import torch
from torch import Tensor

from convmixer_viz.analyses import cost
from convmixer_viz.analyses.cost import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.cost import Cost, Options
from tests.conftest import final
from tests.unit.analyses.questions import picture


@pytest.fixture
def measured(tiny: LoadedModel) -> Cost:
    return final(compute(tiny, [picture()], Options(calls=3)))


def test_counts_are_the_modules(measured: Cost, tiny: LoadedModel) -> None:
    assert measured.parameters == sum(p.numel() for p in tiny.module.parameters())
    assert 0 < measured.depthwise < 1 and measured.multiply_adds > measured.parameters


def test_as_many_calls_are_timed_as_asked(
    measured: Cost, tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[Tensor] = []

    def timed(model: LoadedModel, pixels: Tensor) -> float:
        batches.append(pixels)
        return 2.0

    monkeypatch.setattr(cost, "_call_bytes", lambda model, pixels: 7)
    monkeypatch.setattr(cost, "_timed", timed)
    result = final(compute(tiny, [picture()], Options(calls=4)))
    assert len(batches) == 5 and {len(pixels) for pixels in batches} == {result.batch}
    assert result.call_seconds.tolist() == [2.0] * 4
    assert result.peak_bytes == 7 + tiny.nbytes
    assert measured.call_seconds.shape == (3,) and (measured.call_seconds > 0).all()
    with pytest.raises(ChoiceError, match="measures nothing"):
        Options(calls=0)


def test_memory_is_what_lives_at_once() -> None:
    live, sizes = cost._LiveBytes(), [1000, 3000, 500]
    with cost._watching(live):
        kept = [torch.zeros(size, dtype=torch.uint8) for size in sizes]
        view = kept[0][:10]
        assert live.now == live.most == sum(sizes), "a view holds nothing of its own"
        del kept, view
        assert live.now == 0
        torch.ones(100)
    assert live.most == list(accumulate(sizes))[-1]
