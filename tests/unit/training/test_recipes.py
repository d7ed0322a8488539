"""The table of recipes: what the cards and the README claim of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.training import recipes
from convmixer_viz.training.recipes import RECIPES


def test_every_preset_that_ships_has_a_recipe() -> None:
    once = {name for name in RECIPES if not name.endswith("-long")}
    assert once == {name for name, preset in PRESETS.items() if preset.published is None}


def test_ablations_differ_in_nothing_but_the_preset() -> None:
    ablations = [recipe for name, recipe in RECIPES.items() if name.startswith("cifar10-128-8")]
    assert len(ablations) == 6
    assert len({replace(recipe, preset="") for recipe in ablations}) == 1


def test_an_unknown_recipe_is_refused_with_the_list() -> None:
    with pytest.raises(ChoiceError, match="cifar10-128-8-k9"):
        recipes.find("cifar10-1024")


def test_the_command_repeats_the_run() -> None:
    recipe = RECIPES["cifar10-256-8"]
    assert recipes.command(recipe) == "convmixer-viz train cifar10-256-8 --data DIR --out DIR"
    assert recipes.command(replace(recipe, epochs=3)).endswith(" --epochs 3")
    assert " cifar10-256-8-long " in recipes.command(
        replace(RECIPES["cifar10-256-8-long"], epochs=9)
    )
