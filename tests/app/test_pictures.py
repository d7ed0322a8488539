"""Uploads: their names, broken files, whose pictures go into a file."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import picture_list
from tests.app.conftest import Visit

BROKEN = ("notes.txt", b"no picture at all", "text/plain")


def png(name: str, size: tuple[int, int] = (40, 40)) -> tuple[str, bytes, str]:
    file = io.BytesIO()
    Image.new("RGB", size, "blue").save(file, "PNG")
    return name, file.getvalue(), "image/png"


def upload(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    for file in files:
        app.file_uploader[0].upload(*file)
    return app.run()


def captions(app: AppTest) -> str:
    return " ".join(each.value for each in app.caption)


@pytest.mark.parametrize(
    ("page", "choices"),
    [
        ("prediction", {}),
        ("receptive_field", {"measured": "gallery and uploads", "field_side": "32"}),
        ("compare", {"on": "gallery and uploads", "rows": ["prediction"]}),
        ("kernels", {}),
    ],
)
def test_a_broken_upload_is_left_out_of_several(
    visit: Visit, page: str, choices: dict[str, Any]
) -> None:
    app = upload(visit(page, **choices), BROKEN, png("blue.png"))
    assert not app.exception
    assert "Left out: notes.txt" in captions(app)


def test_only_broken_uploads_leave_no_table(visit: Visit) -> None:
    app = upload(visit("prediction"), BROKEN, ("b.txt", b"neither", "text/plain"))
    assert not app.exception and not app.dataframe
    assert "Left out: b.txt" in captions(app)


def test_an_upload_never_takes_a_gallery_pictures_name(visit: Visit) -> None:
    app = upload(visit("prediction"), png("cat"), png("cat"))
    chosen = app.selectbox(key="picture")
    assert chosen.value == "cat (3)"
    assert len(chosen.options) == len(set(chosen.options))
    assert "Chelsea" not in captions(app) and "32×32 px of cat (3)" in captions(app)


def test_the_last_good_upload_is_chosen_and_the_broken_one_named(visit: Visit) -> None:
    app = upload(visit("prediction"), png("one.png"), png("two.png"), BROKEN)
    assert not app.exception
    assert app.selectbox(key="picture").value == "two.png"
    (error,) = app.error
    assert "notes.txt is not an image" in error.value
    app.selectbox(key="picture").set_value("notes.txt").run()
    assert [each.value for each in app.error] == [error.value]


class File(NamedTuple):
    name: str
    file_id: str

    def getvalue(self) -> bytes:
        return png(self.name, (37, 41))[1]


def test_a_file_to_take_along_names_ones_own_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    def session(*files: File) -> None:
        monkeypatch.setattr(picture_list, "uploads", lambda: {file.name: file for file in files})

    session(File("secret.png", "theirs"))
    digest = picture_list.find("secret.png").sha256
    session(File("own.png", "mine"))
    assert picture_list.find_by_digest([digest]) is None
    assert picture_list.find("own.png").sha256 == digest
    assert [image.name for image in picture_list.find_by_digest([digest]) or ()] == ["own.png"]


def test_a_picture_beyond_its_limit_is_refused_whatever_the_widget_let_pass(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_list, "LARGEST_UPLOAD", 1)
    name, content, kind = png("big.png")
    app = upload(visit("prediction"), (name, content + bytes(2**20), kind))
    assert not app.exception
    assert "big.png has more than 1 MB" in " ".join(each.value for each in app.error)
