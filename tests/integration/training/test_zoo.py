"""What ships scores on real pictures what its log says."""

from __future__ import annotations

from pathlib import Path

import pytest

from convmixer_viz.presets.log import PART, read
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.training import zoo
from tests.unit.training.test_cards import PRETRAINED, SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_repeat_their_number(name: str, data: Path) -> None:
    measured = read(PRETRAINED / f"{name}.json").measured
    assert measured is not None
    model = zoo.load(PRETRAINED / f"{name}.safetensors")
    result = zoo.result_of(model, data / PRESETS[name].class_set, PART)
    assert result.pictures == measured.part_pictures
    assert abs(result.right - measured.part_right) <= 2
