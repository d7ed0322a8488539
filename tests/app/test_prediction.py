"""The prediction page over the shipped weights."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.request import Request
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import array, traces


def bars(app: AppTest) -> NDArray[np.float64]:
    return array(traces(app, 0)[0]["x"])


def test_the_page_shows_what_python_computes(visit: Visit) -> None:
    app = visit("prediction")
    assert not app.exception
    assert app.title[0].value == "Prediction"
    bench = Workbench("cpu")
    result = bench.predict("gallery:cat")
    assert np.array_equal(bars(app), result.probabilities[0, result.top[0]].astype(float))
    assert any("knows only: airplane, automobile" in caption.value for caption in app.caption)
    bench.close()


def test_a_link_restores_the_view(visit: Visit) -> None:
    app = visit("prediction", picture="coffee", top="3", block="4")
    assert not app.exception
    assert app.selectbox(key="picture").value == "coffee"
    assert app.number_input(key="block").value == 4
    assert len(bars(app)) == 3


def test_missing_weights_give_no_traceback(visit: Visit) -> None:
    app = visit("prediction", preset=["imagenet-1024-20"])
    assert not app.exception
    assert any("imagenet-1024-20" in info.value for info in app.info)


def test_an_upload_becomes_the_picture(visit: Visit) -> None:
    file = io.BytesIO()
    Image.new("RGB", (50, 40), "blue").save(file, "PNG")
    app = visit("prediction")
    app.file_uploader[0].upload("blue.png", file.getvalue(), "image/png").run()
    assert not app.exception
    assert app.selectbox(key="picture").value == "blue.png"
    assert any("of blue.png" in caption.value for caption in app.caption)


def test_a_broken_upload_gives_its_reason_and_loses_nothing(visit: Visit) -> None:
    app = visit("prediction")
    app.file_uploader[0].upload("broken.png", b"\x89PNG\r\n broken", "image/png").run()
    assert not app.exception
    assert any("broken.png" in error.value for error in app.error)
    assert len(bars(app)) == 5


def test_any_other_file_gets_advice(visit: Visit) -> None:
    app = visit("prediction")
    app.file_uploader[0].upload("IMG_1.HEIC", b"\0\0\0\x18ftypheic", "image/heic").run()
    assert not app.exception
    assert any("save it as JPEG or PNG first" in each.value for each in app.error)


def test_several_uploads_become_a_table(visit: Visit) -> None:
    app = visit("prediction")
    for colour in ("red", "green"):
        file = io.BytesIO()
        Image.new("RGB", (50, 40), colour).save(file, "PNG")
        app.file_uploader[0].upload(f"{colour}.png", file.getvalue(), "image/png")
    app.run()
    assert not app.exception
    (table,) = app.dataframe
    assert list(table.value["picture"]) == ["red.png"] * 3 + ["green.png"] * 3


def test_the_decision_and_the_channels_are_there(visit: Visit) -> None:
    app = visit("prediction", block="3")
    assert not app.exception
    assert any(heading.value == "Strongest channels of block 3" for heading in app.header)
    assert len(app.get("plotly_chart")) == 4  # the votes of the tokens, too


def test_channels_that_are_still_shown_keep_their_block(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(
        bench: Workbench, request: Request[Result], patience: float, person: str
    ) -> Iterator[None]:
        raise ChoiceError("Not now.")
        yield

    app = visit("prediction", block="3", picture="coffee")
    monkeypatch.setattr(Workbench, "follow", refuse)
    app.number_input(key="block").set_value(7).run()
    assert not app.exception
    assert app.header[-1].value == "Strongest channels of block 3"
