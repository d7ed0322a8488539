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


def test_the_table_uses_none_of_the_options_that_came_later() -> None:
    """What shipped was made with AdamW, one cycle, chance flips and whole pictures throughout."""
    for recipe in RECIPES.values():
        assert (recipe.muon, recipe.schedule, recipe.alternate) == (0, "linear", False)
        assert (recipe.small, recipe.small_share) == (0, 0)


def test_the_command_names_what_was_changed() -> None:
    words = ["muon=0.1", "average=0.995", "alternate=yes", "flip=no", "rand_augment=2,12", "seed=1"]
    recipe = replace(RECIPES["cifar10-128-8-k5-p4"], epochs=4, **recipes.changes(words))
    assert recipe.muon == 0.1 and recipe.alternate is True and recipe.rand_augment == (2, 12)
    command = recipes.command(recipe)
    head, _, rest = command.partition(" --with ")
    assert head == "convmixer-viz train cifar10-128-8-k5-p4 --data DIR --out DIR --epochs 4"
    assert sorted(rest.split()) == sorted(words)
    assert replace(RECIPES[recipe.preset], epochs=4, **recipes.changes(rest.split())) == recipe


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("moun=0.1", "no 'moun': change one of epochs, batch"),
        ("preset=tiny", "no 'preset'"),
        ("muon", "'muon' has no value"),
        ("batch=many", "'batch=many' has no value"),
        ("flip=1", "'flip=1' has no value"),
    ],
)
def test_a_change_that_no_recipe_can_take_is_refused(word: str, sentence: str) -> None:
    with pytest.raises(ChoiceError, match=sentence):
        recipes.changes([word])


def test_values_that_make_no_run_are_refused() -> None:
    recipe = RECIPES["cifar10-128-8-k5"]
    for changed, sentence in (
        ({"epochs": 0}, "1 or more"),
        ({"schedule": "steps"}, "linear, cosine, trapezoid"),
        ({"small_share": 0.5}, "side 0"),
    ):
        with pytest.raises(ChoiceError, match=sentence):
            replace(recipe, **changed)


def test_the_command_repeats_the_run() -> None:
    recipe = RECIPES["cifar10-256-8"]
    assert recipes.command(recipe) == "convmixer-viz train cifar10-256-8 --data DIR --out DIR"
    assert recipes.command(replace(recipe, epochs=3)).endswith(" --epochs 3")
    assert " cifar10-256-8-long " in recipes.command(
        replace(RECIPES["cifar10-256-8-long"], epochs=9)
    )
