"""What a browser uploaded is there after a reload, within bounds, and nobody else's."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import kept_uploads, person, picture_list
from convmixer_viz.app.kept_uploads import KeptUploads
from convmixer_viz.pictures.decode import Picture, load
from convmixer_viz.pictures.worker import Upload
from tests.app.conftest import Visit
from tests.app.test_pictures import png


def upload(nbytes: int) -> Picture:
    preview = np.zeros((1, 1, 3), np.uint8)
    return Picture("a.png", "0" * 64, 1, 1, Upload("a.png", bytes(nbytes - 3), preview), ())


def keep(kept: KeptUploads, browser: str | None, name: str, nbytes: int = 10) -> None:
    kept.pictures.put(f"{browser} {name}", upload(nbytes))
    kept.keep(browser, name, f"{browser} {name}")


def test_a_browser_has_its_own_and_a_tab_without_cookies_nothing() -> None:
    kept = KeptUploads()
    for browser, name in (("Ann", "cat"), ("Ann", "dog"), ("Bob", "cat"), (None, "cow")):
        keep(kept, browser, name)
    assert kept.of("Ann") == {"cat": "Ann cat", "dog": "Ann dog"}
    assert kept.of("Bob") == {"cat": "Bob cat"}
    assert kept.of(None) == kept.of("Cid") == {}


def test_number_and_bytes_of_one_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_uploads, "MOST_PICTURES", 3)
    monkeypatch.setattr(kept_uploads, "MOST_OF_ONE", 100)
    kept = KeptUploads()
    for name in "abcd":
        keep(kept, "Ann", name)
    assert list(kept.of("Ann")) == ["b", "c", "d"]
    keep(kept, "Ann", "large", 90)
    assert list(kept.of("Ann")) == ["d", "large"]


def test_browsers_and_all_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_uploads, "MOST_BROWSERS", 2)
    monkeypatch.setattr(kept_uploads, "MOST_OF_ALL", 30)
    kept = KeptUploads()
    for browser in ("Ann", "Bob", "Cid"):
        keep(kept, browser, "a")
    assert kept.of("Ann") == {} and kept.of("Bob") and kept.of("Cid")
    keep(kept, "Cid", "large", 25)
    assert kept.of("Bob") == {} and list(kept.of("Cid")) == ["large"]


def test_an_hour_later_they_are_gone_with_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptUploads()
    keep(kept, "Ann", "a")
    later = time.monotonic() + kept_uploads.LONGEST + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert kept.of("Bob") == kept.of("Ann") == {}
    assert kept.pictures.nbytes == 0


def test_what_is_taken_away_is_gone() -> None:
    kept = KeptUploads()
    keep(kept, "Ann", "a")
    keep(kept, "Ann", "b")
    kept.forget("Ann", {"Ann a"})
    assert list(kept.of("Ann")) == ["b"] and kept.pictures.keys() == {"Ann b"}
    assert kept_uploads.picture_bytes(load("gallery:cat")) == load("gallery:cat").pixels.nbytes


def options(app: AppTest) -> list[str]:
    return list(app.selectbox(key="picture").options)


def test_a_reload_has_the_uploads_and_another_browser_has_not(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser: dict[str, Any] = {"name": "Ann"}
    monkeypatch.setattr(picture_list, "browser", lambda: browser["name"])
    picture_list._kept.clear()
    app = visit("prediction")
    app.file_uploader(key="uploads").upload(*png("mine.png")).run()
    assert app.selectbox(key="picture").value == "mine.png"
    again = visit("prediction", picture="mine.png")
    assert again.selectbox(key="picture").value == "mine.png" and not again.error
    assert "Still shown" not in str(again.caption) and not again.exception
    browser["name"] = "Bob"
    other = visit("prediction", picture="mine.png")
    assert "mine.png" not in options(other)
    assert other.selectbox(key="picture").value != "mine.png"
    browser["name"] = "Ann"
    forgetful = visit("prediction")
    forgetful.button(key="forget-uploads").click().run()
    assert "mine.png" not in options(forgetful) and not forgetful.exception
    assert "mine.png" not in options(visit("prediction"))


def test_two_of_one_name_are_told_apart_over_a_reload(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_list, "browser", lambda: "Ann")
    picture_list._kept.clear()
    visit("prediction").file_uploader(key="uploads").upload(*png("mine.png")).run()
    app = visit("prediction")
    app.file_uploader(key="uploads").upload(*png("mine.png", (9, 9))).run()
    assert options(app)[-2:] == ["mine.png", "mine.png (2)"]
    assert app.selectbox(key="picture").value == "mine.png (2)"


def test_without_a_script_nobody_looks() -> None:
    assert person.visitor() is None
