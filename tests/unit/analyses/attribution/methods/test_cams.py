"""CAM methods: which are the exact evidence, and at which block."""

from __future__ import annotations

from convmixer_viz.engine.runtime import LoadedModel
from tests.unit.analyses.questions import (
    attribution,
)


def test_cams_are_measured_against_the_evidence(tiny: LoadedModel) -> None:
    assert attribution(tiny, "grad-cam").identical_to == "the exact evidence"
    assert attribution(tiny, "grad-cam", block=1).identical_to is None
    assert attribution(tiny, "layer-cam").identical_to is None
