"""Six steps over the real pages, which can be skipped."""

from __future__ import annotations

from convmixer_viz.app.components.first_look import STEPS
from tests.app.conftest import Visit


def test_it_leads_through_the_pages_and_ends(visit: Visit) -> None:
    app = visit("overview", preset=["cifar10-128-8-k3"], methods=["hirescam"])
    app.button(key="look-begin").click().run()
    for number, step in enumerate(STEPS, 1):
        assert not app.exception and app.title[0].value == step.page
        assert f"**{number} of 6 · {step.head}**" in app.markdown[0].value
        app.button(key="look-next").click().run()
    assert not app.exception and "look-next" not in {each.key for each in app.button}


def test_going_elsewhere_is_not_undone_and_back_leads_back(visit: Visit) -> None:
    app = visit("kernels", preset=["cifar10-128-8-k3"])
    assert "look-begin" not in {each.key for each in app.button}  # only the first screen offers it
    app = visit("overview", preset=["cifar10-128-8-k3"])
    app.button(key="look-begin").click().run()
    app.button(key="look-next").click().run()
    app.button(key="look-next").click().run()
    assert app.title[0].value == "Kernels"
    app.button(key="look-back").click().run()
    assert app.title[0].value == "Overview"


def test_it_can_be_skipped(visit: Visit) -> None:
    app = visit("overview", preset=["cifar10-128-8-k3"])
    app.button(key="look-skip").click().run()
    keys = {each.key for each in app.button}
    assert "look-skip" not in keys and app.button(key="look-begin").label == "First look"
