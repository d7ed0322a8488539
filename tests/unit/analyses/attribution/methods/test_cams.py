"""CAM methods: which are the exact evidence, and at which block."""

from __future__ import annotations

import pytest

from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from tests.unit.analyses.questions import (
    attribution,
)


def test_cams_are_measured_against_the_evidence(tiny: LoadedModel) -> None:
    assert attribution(tiny, "grad-cam").identical_to == "the exact evidence"
    assert attribution(tiny, "grad-cam", block=1).identical_to is None
    assert attribution(tiny, "layer-cam").identical_to is None


@pytest.mark.parametrize("block", [-1, 4])
def test_a_block_that_is_not_there_is_refused(tiny: LoadedModel, block: int) -> None:
    with pytest.raises(ChoiceError, match="has no block"):
        attribution(tiny, "grad-cam", block=block)
