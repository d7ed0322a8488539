"""A command's pictures: once and in order, and who reports what can't be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from convmixer_viz.commands import pictures
from convmixer_viz.engine import distributed
from convmixer_viz.errors import PictureError

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a"):
        Image.new("RGB", (8, 8), "red").save(tmp_path / f"{name}.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    return tmp_path


def test_order_is_that_of_the_names_and_folders_are_sorted(folder: Path, capsys: Capture) -> None:
    read = pictures.read(["gallery:dot", str(folder), "gallery:cat"])
    assert [picture.name for picture in read] == ["dot", "a.png", "b.png", "cat"]
    assert capsys.readouterr().err.startswith("left out: c.png")


def test_a_named_file_must_be_readable(folder: Path) -> None:
    with pytest.raises(PictureError, match=r"^c\.png is not an image"):
        pictures.read([str(folder / "a.png"), str(folder / "c.png")])


def test_a_process_of_several_decodes_its_share_and_only_the_first_reports(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    decoded: list[int] = []

    def gathered(share: list[object]) -> list[object]:
        decoded.append(len(share))
        whole.append(share)
        return [each for pair in zip(whole[-1], others, strict=True) for each in pair]

    whole: list[list[object]] = []
    others = pictures._decode(["gallery:cat", "gallery:cat"])
    monkeypatch.setattr(distributed, "process", lambda: distributed.Process(1, 2))
    monkeypatch.setattr(distributed, "gathered", gathered)
    read = pictures.read([str(folder), "gallery:dot"])
    assert decoded == [2] and len(read) == 4
    assert capsys.readouterr().err == ""
