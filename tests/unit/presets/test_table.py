"""The table of presets holds together."""

from __future__ import annotations

import pytest

from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.decode import load
from convmixer_viz.presets import classes, table
from convmixer_viz.presets.table import PRESETS, Preset

every_preset = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)


@every_preset
def test_a_row_fits_what_it_names(preset: Preset) -> None:
    assert len(classes.names(preset.class_set)) == preset.class_count
    assert load(f"gallery:{preset.opening}").pixels.ndim == 3
    assert preset.transform.size % preset.shape.patch_size == 0
    assert preset.field_side > preset.transform.size
    assert not preset.summary.endswith(".")


def test_defaults_are_presets() -> None:
    assert table.DEFAULT in PRESETS
    assert len(set(table.SIDE_BY_SIDE) & PRESETS.keys()) == len(table.SIDE_BY_SIDE) >= 2
    assert len(table.SIDE_BY_SIDE) <= table.MOST_SIDE_BY_SIDE


def test_a_near_miss_is_suggested() -> None:
    assert table.find("cifar10-256-8", PRESETS).name == "cifar10-256-8"
    with pytest.raises(ChoiceError, match=r"did you mean cifar10-256-8\?"):
        table.find("cifar-256-8", PRESETS)
    with pytest.raises(ChoiceError, match="choose one of cifar10-256-8, "):
        table.find("", PRESETS)
