"""The gallery needs no download, and its drawn probes are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.errors import PictureError
from convmixer_viz.pictures import gallery
from convmixer_viz.pictures.decode import load


@pytest.mark.parametrize("name", gallery.GALLERY)
def test_gallery_pictures_are_there_without_a_download(name: str) -> None:
    picture = load(f"gallery:{name}")
    assert picture.name == name and min(picture.width, picture.height) >= 200
    assert picture.pixels.std() > 5


def test_unknown_gallery_picture_suggests() -> None:
    with pytest.raises(PictureError, match="did you mean gallery:cat"):
        load("gallery:catt")
    with pytest.raises(PictureError, match="choose cat, astronaut"):
        load("gallery:zzzzz")


def test_missing_scikit_image_file_says_what_to_do() -> None:
    with pytest.raises(PictureError, match="pip install"):
        gallery.photograph("nothing.png")


def test_probes_are_what_they_say() -> None:
    dot = gallery.dot()
    assert (dot > 0).sum() == 3 * 49 and dot[112:119, 112:119].min() == 255
    board = gallery.checkerboard()[:, :, 0]
    assert board[0, 0] == 0 and board[0, 28] == 255 and board[28, 28] == 0
    row = gallery.gratings()[10, :56, 0].astype(float)  # orientation 0°, period 8 px
    assert np.abs(np.fft.rfft(row - row.mean())).argmax() == 56 // 8
    middle = gallery.chirp()[112, 112:, 0].astype(float)
    assert np.abs(np.diff(middle[:20])).mean() < 0.2 * np.abs(np.diff(middle[-20:])).mean()
