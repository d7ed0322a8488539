"""A value of a link that has no effect is named, until the first change."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import session
from convmixer_viz.presets.table import PRESETS
from tests.app.conftest import Visit


def warnings(app: AppTest) -> str:
    return " ".join(warning.value for warning in app.warning)


def test_it_stays_while_the_page_computes_and_goes_with_the_first_change(visit: Visit) -> None:
    session.bench().forget_results()
    app = visit("overview", picture="nobody", preset=["nothing"], target="unicorn")
    assert not app.exception
    assert all(name in warnings(app) for name in ("nobody", "nothing", "unicorn"))
    assert app.selectbox(key="picture").value == "cat"
    app.number_input(key="block").set_value(3).run()
    assert warnings(app) == ""


@pytest.mark.parametrize(
    ("page", "ignored"),
    [
        ("what_if", {"edit": "bogus"}),
        ("prediction", {"block": "99", "device": "cuda:7", "mode": "bogus", "top": "999"}),
        ("attribution", {"methods": "nonsense", "cells": "bogus", "baseline": "zzz"}),
        ("kernels", {"view": "Nowhere", "sort": "bogus", "channel": "4096"}),
        ("receptive_field", {"measured": "bogus", "field_side": "5", "preset": "nothing"}),
    ],
)
def test_every_choice_that_is_ignored_is_named(
    visit: Visit, page: str, ignored: dict[str, str]
) -> None:
    app = visit(page, **ignored)
    assert not app.exception
    for key, value in ignored.items():
        assert f"The link's {key} '{value}' is not here" in warnings(app)


def test_a_fifth_preset_is_one_too_many(visit: Visit) -> None:
    names = [name for name, preset in PRESETS.items() if not preset.published][:5]
    app = visit("models", preset=names)
    assert not app.exception
    assert f"preset '{names[4]}' is one too many, 4 at most, and was ignored." in warnings(app)


def test_many_parts_without_effect_are_one_sentence(visit: Visit) -> None:
    wrong = {"picture": "nobody", "target": "unicorn", "block": "99", "device": "cuda:7"}
    app = visit("models", preset=["nothing"], mode="bogus", **wrong)
    assert not app.exception
    (warning,) = app.warning
    assert warning.value.startswith("6 parts of the link have no effect here: ")
    assert all(f"{key} '{value}'" in warning.value for key, value in wrong.items())


def test_a_value_that_has_effect_is_not_named(visit: Visit) -> None:
    sidebar = {"picture": "coffee", "block": "4", "target": "dog"}
    maps = {"strength": "0.50", "cells": "pixels", "scores": "false"}
    app = visit("attribution", methods=["saliency", "hirescam"], **sidebar, **maps)
    assert not app.exception
    assert warnings(app) == ""


def test_a_misspelled_parameter_is_told_with_its_right_name(visit: Visit) -> None:
    app = visit("prediction", presets="cifar10-128-8-k3", block="99", nonsense="1")
    assert not app.exception
    (warning,) = app.warning  # all in one note
    assert "The link's 'presets' has no effect on this page: did you mean preset?" in warning.value
    assert "The link's 'nonsense' has no effect on this page." in warning.value
    assert "block" in warning.value
    app.number_input(key="block").set_value(3).run()
    assert warnings(app) == ""


def test_a_parameter_of_another_page_is_told(visit: Visit) -> None:
    app = visit("prediction", field_side="64", block="2")
    assert "The link's 'field_side' has no effect on this page." in warnings(app)
    assert "block" not in warnings(app)


@pytest.mark.parametrize(
    ("page", "keys", "others"),
    [
        ("overview", ("block",), {}),
        ("prediction", ("top",), {}),
        (
            "attribution",
            ("strength", "steps", "samples", "sigma", "cam_block", "seed"),
            {"methods": ["gradient-shap", "layer-cam"], "baseline": "noise"},
        ),
        ("kernels", ("channel", "part", "epoch"), {}),
        (
            "receptive_field",
            ("field_side", "field_channel", "token_row", "token_column"),
            {"scalar": "channel"},
        ),
    ],
)
@pytest.mark.parametrize("text", ["inf", "-inf", "1e999"])
def test_a_number_without_end_is_named_and_the_page_stands(
    visit: Visit, page: str, keys: tuple[str, ...], others: dict[str, str | list[str]], text: str
) -> None:
    app = visit(page, **dict.fromkeys(keys, text), **others)
    assert not app.exception
    (warning,) = app.warning  # all in one note
    assert all(key in warning.value for key in keys)


@pytest.mark.parametrize("text", ["Infinity", "nan", "-NaN", "9" * 400])
def test_numbers_that_are_none_are_ignored(visit: Visit, text: str) -> None:
    app = visit("models", block=text)
    assert not app.exception and app.number_input(key="block").value == 1
    assert "The link's block" in warnings(app) and len(warnings(app)) < 200
