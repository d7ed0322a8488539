"""Edits in force: in the link, as chips, on every page, and their end."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.app import session
from convmixer_viz.catalog import EVIDENCE
from convmixer_viz.comparison.numbers import on_common_grid
from tests.app.conftest import Visit
from tests.app.elements import array, tables, texts, traces

K5 = "cifar10-128-8-k5"


def test_a_link_brings_edits_and_a_click_ends_one(visit: Visit) -> None:
    app = visit("prediction", preset=K5, edit=["off:blocks=2", "mean:blocks=1"])
    assert not app.exception
    chips = app.multiselect(key="edit")
    assert chips.value == ["off:blocks=2", "mean:blocks=1"]
    edited = session.bench().predict("gallery:cat", K5, edits=chips.value)
    assert np.allclose(max(array(traces(app, 0)[0]["x"])), edited.probabilities.max())
    app.multiselect(key="edit").unselect("off:blocks=2").run()
    assert app.multiselect(key="edit").value == ["mean:blocks=1"]
    app.multiselect(key="edit").unselect("mean:blocks=1").run()
    assert not app.exception and app.multiselect(key="edit").value == []


def test_without_an_edit_there_is_no_chip(visit: Visit) -> None:
    assert visit("overview").multiselect(key="edit").value == []


@pytest.mark.parametrize("bad", ["nothing", "off:blocks=99", "![p](http://evil/x.png)"])
def test_an_edit_of_a_link_that_cannot_be_is_told(visit: Visit, bad: str) -> None:
    app = visit("overview", preset=K5, edit=[bad, "mean"])
    assert not app.exception
    assert app.multiselect(key="edit").value == ["mean"]
    assert "edit" in " ".join(each.value for each in app.warning)


def test_an_edit_that_another_preset_cannot_have_ends_and_says_so(visit: Visit) -> None:
    app = visit("overview", preset=K5, edit=["low-rank:rank=5"])
    app.multiselect(key="preset").set_value(["cifar10-128-8-k3"]).run()
    assert not app.exception
    assert "has ended: A 3×3 kernel has rank 3 at most" in " ".join(w.value for w in app.warning)
    assert app.multiselect(key="edit").value == []


def test_compare_has_the_preset_beside_its_edited_self(visit: Visit) -> None:
    app = visit("compare", preset=[K5], edit=["off:blocks=4"], rows=["evidence"], target="cat")
    assert not app.exception
    _, numbers = tables(app)  # the summary stands above
    assert [row["preset"] for row in numbers] == [K5, f"{K5} edited"]
    assert r"off\:blocks=4" in texts(app)
    asked = {"preset": K5, "target": "cat"}
    both = [
        session.bench().run(EVIDENCE, ["gallery:cat"], edits=edits, **asked)
        for edits in ([], ["off:blocks=4"])
    ]
    before, after = on_common_grid(both)
    assert np.array_equal(array(traces(app, 2)[0]["z"]), after - before)
