"""The page Data: counts, lists, a picture that every page shows, and what is missing in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import session
from convmixer_viz.catalog import SURVEY
from convmixer_viz.commands.app import DATA_VARIABLE
from convmixer_viz.figures import survey as figures
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.gallery import GALLERY
from convmixer_viz.questions.survey import Survey
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import letters, sheets, tables, texts

PRESET, OTHER = "cifar10-128-8-k3", "cifar10-128-8-k5"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data set of eight pictures in two classes."""
    for label, names in {"cat": ["cat", "coffee"], "ship": list(GALLERY)[:6]}.items():
        (tmp_path / label).mkdir()
        for name in names:
            picture = Image.fromarray(load(f"gallery:{name}").pixels)
            picture.resize((32, 32)).save(tmp_path / label / f"{name}.png")
    monkeypatch.setenv(DATA_VARIABLE, json.dumps({"few": str(tmp_path)}))
    session.bench.clear()
    session.data_set.clear()
    yield tmp_path
    session.bench.clear()


def surveyed(app: AppTest, *presets: str) -> AppTest:
    for preset in presets:
        app.button(key=f"go-survey:{preset}").click().run()
        assert not app.exception and not app.error
    return app


@pytest.fixture
def result(data: Path) -> Survey:
    with closing(Workbench("cpu", data={"few": data})) as bench:
        return bench.run(SURVEY, bench.pictures("few"), preset=PRESET)


def test_without_a_data_set_it_says_how_to_get_one(visit: Visit) -> None:
    app = visit("data", preset=[PRESET])
    assert not app.exception and "data fetch cifar10" in app.info[0].value


def test_counts_and_lists_are_those_of_the_survey(visit: Visit, result: Survey) -> None:
    app = surveyed(visit("data", preset=[PRESET]), PRESET)
    assert figures.describe(result) in letters(texts(app))
    matrix, shown = (each for each in sheets(app) if "layout" in each)
    assert matrix["values"][3 * 10 + 8] == [3, 8]
    assert [number for (number,) in shown["values"]] == result.surest_mistakes.tolist()
    app.selectbox(key="list").select("least sure").run()
    *_, shown = (each for each in sheets(app) if "layout" in each)
    assert [number for (number,) in shown["values"]] == result.least_sure.tolist()
    app.session_state["cell-class"], app.session_state["cell-said"] = 8, 3
    app.run()
    assert (
        app.selectbox(key="of_class").value == "ship" and app.selectbox(key="said").value == "cat"
    )
    *_, shown = (each for each in sheets(app) if "layout" in each)
    assert [n for (n,) in shown.get("values", [])] == result.pictures_of(8, 3).tolist()


def test_a_clicked_picture_is_that_of_every_page(visit: Visit, data: Path) -> None:
    app = surveyed(visit("data", preset=[PRESET]), PRESET)
    app.session_state["data-picture"] = 5
    app.run()
    chosen = session.data_set("few").picture(5)
    name = f"few#5@{chosen.sha256[:8]}"
    assert not app.exception and app.selectbox(key="picture").value == name
    other = visit("prediction", preset=[PRESET], picture=name)
    assert not other.exception and not other.warning
    with closing(Workbench("cpu")) as bench:
        says = bench.predict(data / chosen.name, PRESET)
    assert says.classes[says.top[0, 0]] in texts(other)


def test_a_link_to_another_picture_of_that_number_says_so(visit: Visit, data: Path) -> None:
    app = visit("prediction", preset=[PRESET], picture="few#5@00000000")
    assert not app.exception and "is another picture now" in letters(texts(app))


def test_a_second_preset_is_held_against_the_first(visit: Visit, result: Survey) -> None:
    app = surveyed(visit("data", preset=[PRESET, OTHER]), PRESET, OTHER)
    (rows,) = tables(app)
    assert [row["preset"] for row in rows] == [PRESET, OTHER]
    assert rows[0]["right (%)"] == 100 * result.right.mean()
    with closing(Workbench("cpu", data={"few": session.data_set("few").folder})) as bench:
        other = bench.run(SURVEY, bench.pictures("few"), preset=OTHER)
    rivalry = other.against(result)
    assert (rows[1]["lost"], rows[1]["won"]) == (rivalry.lost, rivalry.won)


def test_the_kernels_page_shows_windows_of_the_survey(visit: Visit, data: Path) -> None:
    app = visit("kernels", preset=[PRESET])
    assert "A survey on the page Data brings" in texts(app)
    page = Path(str(session.__file__)).parent / "pages"
    app.switch_page(str(page / "data.py")).run()
    surveyed(app, PRESET)
    app.switch_page(str(page / "kernels.py")).run()
    assert not app.exception
    assert "Class selectivity" in texts(app) and "Channel 0 of block 1 in the survey" in texts(app)


def test_labels_that_do_not_fit_are_named(visit: Visit, data: Path) -> None:
    (data / "cat").rename(data / "unicorn")
    session.data_set.clear()
    app = visit("data", preset=[PRESET])
    app.button(key=f"go-survey:{PRESET}").click().run()
    assert not app.exception
    assert any("'unicorn' is no class" in letters(each.value) for each in app.error)
