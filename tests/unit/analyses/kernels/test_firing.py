"""Where a kernel fires: the largest answers, their windows, whatever the company."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmixer_viz.analyses.kernels.firing import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.firing import Firing, Options
from tests.conftest import final, loaded
from tests.unit.analyses.kernels.pictures import measure_kernel, prepared


def fire(model: LoadedModel, pictures: list[PreparedPicture], **options: Any) -> Firing:
    return final(compute(model, pictures, Options(**options)))


def test_firing_places_are_the_largest_answers(
    tiny: LoadedModel, pictures: list[PreparedPicture]
) -> None:
    places = fire(tiny, pictures, block=2, channel=3, count=4)
    answers = np.stack([measure_kernel(tiny, one, block=2, channel=3).response for one in pictures])
    assert places.answers[0] == answers.max()
    picture, row, column = np.unravel_index(answers.argmax(), answers.shape)
    assert places.pictures[0] == f"noise {picture}"
    assert places.tokens[0].tolist() == [row, column]
    assert (np.diff(places.answers) <= 0).all()
    for name, token, answer in zip(places.pictures, places.tokens, places.answers, strict=True):
        assert answers[int(name[-1])][tuple(token)] == answer


def test_places_of_one_picture_keep_their_distance(
    tiny: LoadedModel, pictures: list[PreparedPicture]
) -> None:
    places = fire(tiny, pictures[:1], block=1, channel=3, count=6)
    gaps = np.abs(places.tokens[:, None] - places.tokens[None]).max(-1)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 2


def test_the_box_is_the_window_and_the_patch_its_pixels() -> None:
    model = loaded()
    pixels = np.zeros((3, 16, 16))
    places = fire(model, [prepared(pixels)], block=1, channel=0, count=40)
    for (left, top, right, bottom), patch, (row, column) in zip(
        places.boxes, places.patches, places.tokens, strict=True
    ):
        assert ((left + right) / 2, (top + bottom) / 2) == (2 * column + 1, 2 * row + 1)
        assert right - left == bottom - top == 5 * 2
        assert patch.shape == (10, 10, 3)
    assert places.field == 10


def test_a_patch_beyond_the_picture_is_grey(tiny: LoadedModel) -> None:
    ramp = np.broadcast_to(np.linspace(-2, 2, 16), (3, 16, 16))
    places = fire(tiny, [prepared(ramp)], block=1, channel=0, count=40)
    beyond = np.flatnonzero((places.boxes[:, :2] < 0).any(1))[0]
    left, top = np.maximum(-places.boxes[beyond, :2], 0)
    assert (places.patches[beyond, :top] == 128).all()
    assert (places.patches[beyond, :, :left] == 128).all()
    x, y = np.maximum(places.boxes[beyond, :2], 0)
    inside = places.patches[beyond, top:, left:]
    seen = places.views[beyond, y : y + len(inside), x : x + inside.shape[1]]
    assert np.array_equal(inside[: len(seen), : seen.shape[1]], seen)


def test_firing_does_not_depend_on_company(
    tiny: LoadedModel, pictures: list[PreparedPicture]
) -> None:
    alone = fire(tiny, pictures[2:3], block=3, channel=1, count=3)
    among = fire(tiny, pictures, block=3, channel=1, count=40)
    mine = [i for i, name in enumerate(among.pictures) if name == "noise 2"][:3]
    assert np.array_equal(among.answers[mine], alone.answers)
