"""What a link asks for in vain is said, until the first change."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import session
from convmixer_viz.presets.table import PRESETS
from tests.app.conftest import Visit


def told(app: AppTest) -> str:
    return " ".join(warning.value for warning in app.warning)


def test_it_stays_while_the_page_computes_and_goes_with_the_first_change(visit: Visit) -> None:
    session.bench().forget_results()
    app = visit("overview", picture="nobody", preset=["nothing"], target="unicorn")
    assert not app.exception
    assert all(name in told(app) for name in ("nobody", "nothing", "unicorn"))
    assert app.selectbox(key="picture").value == "cat"
    app.number_input(key="block").set_value(3).run()
    assert told(app) == ""


@pytest.mark.parametrize(
    ("page", "vain"),
    [
        ("prediction", {"block": "99", "device": "cuda:7", "mode": "bogus", "top": "999"}),
        ("attribution", {"methods": "nonsense", "cells": "bogus", "baseline": "zzz"}),
        ("kernels", {"view": "Nowhere", "sort": "bogus", "channel": "4096"}),
        ("receptive_field", {"measured": "bogus", "field_side": "5", "preset": "nothing"}),
    ],
)
def test_every_choice_that_is_ignored_is_named(
    visit: Visit, page: str, vain: dict[str, str]
) -> None:
    app = visit(page, **vain)
    assert not app.exception
    for key, value in vain.items():
        assert f"The link's {key} '{value}' is not here" in told(app)


def test_a_fifth_preset_is_named(visit: Visit) -> None:
    five = [name for name in PRESETS if name.startswith("cifar10")][:5]
    app = visit("prediction", preset=five)
    assert app.multiselect(key="preset").value == five[:4]
    assert five[4] in told(app) and five[3] not in told(app)


def test_what_is_heard_is_not_named(visit: Visit) -> None:
    app = visit("attribution", picture="coffee", block="4", strength="0.50", cells="pixels",
                methods=["saliency", "hirescam"], scores="false", target="dog")  # fmt: skip
    assert not app.exception
    assert told(app) == ""
