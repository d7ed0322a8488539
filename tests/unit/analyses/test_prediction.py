"""A prediction is what the model says: its logits, its classes from the most probable on."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.analyses.prediction import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.questions.prediction import Options
from tests.conftest import final
from tests.unit.analyses.questions import picture

PICTURES = [picture(seed) for seed in range(5)]


def test_logits_are_the_models_and_probabilities_their_softmax(tiny: LoadedModel) -> None:
    result = final(compute(tiny, PICTURES, Options()))
    for number, image in enumerate(PICTURES):
        expected = tiny.module(tiny.tensor([image]))[0]
        np.testing.assert_allclose(result.logits[number], expected, rtol=1e-4, atol=1e-5)
        shares = expected.double().softmax(0)
        np.testing.assert_allclose(result.probabilities[number], shares, atol=1e-5)
    assert not np.allclose(result.logits[0], result.logits[1])


def test_the_top_classes_come_in_their_order(tiny: LoadedModel) -> None:
    result = final(compute(tiny, PICTURES, Options(top=4)))
    assert result.top.shape == (5, 4)
    for logits, top in zip(result.logits, result.top, strict=True):
        assert sorted(logits)[::-1][:4] == logits[top].tolist()


def test_partial_results_hold_the_pictures_done_so_far(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(tiny), "batch_size", lambda *_: 1)
    partials = [step.partial for step in compute(tiny, PICTURES, Options())]
    assert [len(p.names) if p else None for p in partials] == [1, 2, None, 4, 5]
