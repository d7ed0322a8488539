"""The page What if: a change, before and after, and what it does over many pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import session
from convmixer_viz.catalog import EFFECT, EVIDENCE
from convmixer_viz.commands.app import DATA_VARIABLE
from convmixer_viz.figures import prediction as bars
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.gallery import GALLERY
from convmixer_viz.questions.edits import EDITS
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import figures, letters, tables, texts

PRESET = "cifar10-128-8-k3"
EDIT = "off:blocks=2"
PICTURES = [f"gallery:{name}" for name in GALLERY]


def start(app: AppTest, slot: str) -> AppTest:
    app.button(key=f"go-{slot}").click().run()
    assert not app.exception and not app.error
    return app


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data set of six pictures in two classes."""
    for label, names in {"cat": ["cat", "coffee"], "ship": list(GALLERY)[:4]}.items():
        (tmp_path / label).mkdir()
        for name in names:
            picture = Image.fromarray(load(f"gallery:{name}").pixels)
            picture.resize((32, 32)).save(tmp_path / label / f"{name}.png")
    monkeypatch.setenv(DATA_VARIABLE, json.dumps({"few": str(tmp_path)}))
    session.bench.clear()
    session.data_set.clear()
    yield tmp_path
    session.bench.clear()


def test_every_edit_of_the_table_can_be_written(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET])
    for name in EDITS:
        app.selectbox(key="change").select(name).run()
        assert not app.exception
        assert any(each.value.startswith(EDITS[name].SENTENCE) for each in app.caption)
        if name == "recalibrate":  # there is no data set here
            assert "recalibrate needs data=NAME" in texts(app)
            continue
        (flag,) = (each.value for each in app.caption if "--edit" in each.value)
        assert letters(flag).split("--edit ")[1].split(":")[0] == name


def test_changes_are_made_in_their_order_and_ended(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET])
    assert "Make a change on the left" in texts(app)
    app.multiselect(key="change-off-blocks").set_value([2, 3]).run()
    app.button(key="make").click().run()
    app.selectbox(key="change").select("low-rank").run()
    app.number_input(key="change-low-rank-rank").set_value(2).run()
    app.button(key="make").click().run()
    assert not app.exception
    assert app.multiselect(key="edit").value == ["off:blocks=2-3", "low-rank:rank=2"]
    app.button(key="end-0").click().run()
    assert app.multiselect(key="edit").value == ["low-rank:rank=2"]


def test_what_cannot_be_made_is_a_sentence_and_no_button(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET])
    app.selectbox(key="change-off-part").set_value("residual")
    app.selectbox(key="change-off-kernels").set_value("gaussian").run()
    assert not app.exception
    assert "A skip goes around all channels: leave kernels out" in texts(app)
    assert app.button(key="make").disabled


def test_before_and_after_explain_the_same_class_on_one_scale(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET], edit=["random"])
    assert not app.exception and not app.error
    with closing(Workbench("cpu")) as bench:
        sides = [bench.predict("gallery:cat", PRESET, edits=edits) for edits in ([], ["random"])]
        before, after = sides
        name = before.classes[before.top[0, 0]]
        why = [
            bench.run(EVIDENCE, ["gallery:cat"], preset=PRESET, edits=edits, target=name)
            for edits in ([], ["random"])
        ]
    assert after.classes[after.top[0, 0]] != name
    assert bars.describe_change(before, after) in letters(texts(app))
    limit = max(abs(result.exact).max() for result in why)
    captions = [each.value for each in app.caption if each.value.startswith("Red speaks for")]
    assert len(captions) == 2 and len(set(captions)) == 1
    assert f"Red speaks for {name}" in captions[0] and f"±{limit:.2g} " in captions[0]


def test_without_a_data_set_the_page_says_how_to_get_one(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET], edit=[EDIT], draws="2")
    assert "data fetch cifar10" in texts(app)
    assert "6 models over" in texts(app) and "about" in texts(app)
    assert app.button(key="go-effect").label.startswith("Start, ≈ ")
    start(app, "effect")
    with closing(Workbench("cpu")) as bench:
        result = bench.run(EFFECT, PICTURES, preset=PRESET, edits=[EDIT], seeds=2)
    assert tables(app) == [result.rows()]
    assert "have the same first class" in texts(app)


def test_labels_give_accuracy_and_a_sweep_its_curve(visit: Visit, data: Path) -> None:
    app = visit("what_if", preset=[PRESET], edit=["off"], over="few", draws="1", size="5")
    start(app, "effect")
    start(app, "sweep")
    with closing(Workbench("cpu", data={"few": data})) as bench:
        drawn, choices = bench.pictures("few", 5), {"preset": PRESET, "edits": ["off"]}
        whole = bench.run(EFFECT, drawn, **choices, seeds=1)
        sweep = bench.run(EFFECT, drawn, **choices, seeds=1, sweep="block")
    assert whole.labelled and sweep.points[1] == "block 2"
    assert tables(app) == [whole.rows(), sweep.rows()]
    assert "unedited" in [each["name"] for each in figures(app)[3]["data"]]


def test_a_stopped_sweep_shows_its_points_and_goes_on(visit: Visit) -> None:
    pictures = [load(each) for each in PICTURES]
    bench = session.bench()
    request = bench.request(
        EFFECT, pictures, preset=PRESET, edits=["mean"], seeds=0, sweep="block", device="cpu"
    )
    with closing(bench.follow(request)) as steps:
        next(step for step in steps if step.partial and len(step.partial.points) >= 2)
    app = visit("what_if", preset=[PRESET], edit=["mean"], draws="0")
    standing = bench.standing(request)
    assert standing and standing.partial
    assert f"So far {len(standing.partial.points)} of 8 points." in texts(app)
    assert tables(app) == [standing.partial.rows()]
    start(app, "sweep")
    assert tables(app) == [bench.finish(request).rows()]


def test_a_number_that_an_edit_lacks_is_a_sentence(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET], edit=["mean"], sweep="number")
    assert not app.exception
    assert "mean has no number to sweep over: choose another sweep." in texts(app)


def test_a_target_of_the_sidebar_is_explained_on_both_sides(visit: Visit) -> None:
    app = visit("what_if", preset=[PRESET], edit=[EDIT], target="dog")
    assert not app.exception
    captions = [each.value for each in app.caption if each.value.startswith("Red speaks for")]
    assert len(captions) == 2 and all("for dog" in each for each in captions)
