"""One token, step by step: what Python computes, and doors to the kernel and the channels."""

from __future__ import annotations

from convmixer_viz.catalog import TOKEN
from convmixer_viz.figures import token as figures
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import letters, tables, texts

PLACE = {"block": "3", "channel": "7", "token_row": "2", "token_column": "5"}


def test_the_page_says_pythons_numbers(visit: Visit) -> None:
    app = visit("token", preset=["cifar10-128-8-k3"], **PLACE)
    assert not app.exception and not app.error
    bench = Workbench("cpu")
    options = {"preset": "cifar10-128-8-k3", "block": 3, "channel": 7, "token": (2, 5)}
    steps = bench.run(TOKEN, ["gallery:cat"], **options)
    bench.close()
    said = letters(texts(app))
    for describe in (figures.describe_kernel, figures.describe_norm, figures.describe_evidence):
        assert describe(steps) in said
    across, says = tables(app)
    assert across == figures.pointwise_table(steps) and says == figures.evidence_table(steps)


def test_its_door_leads_to_the_kernel(visit: Visit) -> None:
    app = visit("token", preset=["cifar10-128-8-k3"], **PLACE)
    app.button(key="door").click().run()
    assert not app.exception and app.title[0].value == "Kernels"
    assert app.number_input(key="channel").value == 7
    assert app.number_input(key="block").value == 3


def test_a_smaller_preset_keeps_the_token_inside(visit: Visit) -> None:
    app = visit("token", preset=["cifar10-128-8-k5"], token_row="15", channel="127")
    app.multiselect(key="preset").set_value(["cifar10-128-8-k5-p4"]).run()
    assert not app.exception and not app.error
    assert app.number_input(key="token_row").value == 7
