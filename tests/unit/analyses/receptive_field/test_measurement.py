"""What a field is measured on, in which groups of blocks."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.analyses.receptive_field import (
    measurement,
)
from convmixer_viz.contract import option_fields
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.receptive_field import Options
from tests.conftest import loaded
from tests.unit.analyses.receptive_field.pictures import measure, pictures


def test_the_seed_channels_and_groups_do_not_change_a_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, images = loaded(), pictures(2, 24, 24)
    whole = measure(model, images, scalar="signs")
    monkeypatch.setattr(measurement, "LARGEST_TENSOR", 1)  # a block a step
    parts = measure(model, images, scalar="signs")
    assert np.allclose(parts.pixels, whole.pixels, rtol=0, atol=1e-6 * whole.pixels.max())
    alone = measure(model, images, scalar="signs", blocks=(2,))
    assert np.allclose(alone.pixels[0], whole.pixels[2], rtol=0, atol=1e-6 * whole.pixels.max())


def test_noise_replaces_the_pictures_and_repeats() -> None:
    model, images = loaded(), pictures(1, 16, 16)
    first, again = (measure(model, images, noise=2) for _ in range(2))
    assert first.pictures == 2 and np.array_equal(first.pixels, again.pixels)
    assert not np.allclose(measure(model, images).pixels[3], first.pixels[3])


def test_choices_that_do_not_exist() -> None:
    with pytest.raises(ChoiceError, match="not both"):
        Options(token=(1, 1), central=True)
    with pytest.raises(ChoiceError, match="its row and its column"):
        Options(token=(1,))  # type: ignore[arg-type]
    assert len(option_fields(Options)) == 9
