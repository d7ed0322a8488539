"""A field over several pictures: sums, partial results, fast mode."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.analyses.receptive_field import (
    measurement,
)
from convmixer_viz.analyses.receptive_field.fields import compute
from convmixer_viz.questions.receptive_field import Options
from tests.conftest import loaded
from tests.unit.analyses.receptive_field.pictures import measure, pictures


def test_pictures_add_up_one_by_one() -> None:
    model, images = loaded(), pictures(3, 16, 16)
    together = measure(model, images)
    each = [measure(model, [image]) for image in images]
    mean = np.mean([field.pixels for field in each], 0, np.float64)
    assert together.pixels == pytest.approx(mean, rel=1e-6, abs=1e-9)
    assert together.spread == pytest.approx(np.std([f.tokens for f in each], 0), rel=1e-3, abs=1e-6)
    spread = np.std([f.sigma_square for f in each], 0)
    assert together.sigma_spread == pytest.approx(spread, rel=1e-6, abs=1e-6)
    assert together.pictures == 3 and each[0].sigma_spread.max() == 0


def test_steps_count_groups_and_partials_follow_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "LARGEST_TENSOR", 2 * 12 * 8 * 8 * 4)  # two blocks of four
    steps = list(compute(loaded(), pictures(2, 16, 16), Options()))
    assert [step.done for step in steps] == [1, 2, 3, 4] and {s.total for s in steps} == {4}
    assert steps[0].partial is None and steps[1].partial is steps[2].partial
    partials = [step.partial for step in steps[1:] if step.partial]
    assert [partial.pictures for partial in partials] == [1, 1, 2]


def test_of_many_pictures_every_eighth_has_a_partial() -> None:
    steps = compute(loaded(), pictures(18, 8, 8), Options(blocks=(1,)))
    counts = [step.partial.pictures for step in steps if step.partial]
    assert counts == [*range(1, 9), *[8] * 7, 16, 16, 18]


def test_fast_mode_keeps_the_picture() -> None:
    exact, fast = loaded(), loaded(mode="fast")
    images = pictures(2, 16, 16)
    fields = [measure(model, images) for model in (exact, fast)]
    for slow, quick in zip(fields[0].pixels, fields[1].pixels, strict=True):
        assert np.corrcoef(slow.ravel(), quick.ravel())[0, 1] > 0.999
