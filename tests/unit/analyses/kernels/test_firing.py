"""Where a kernel fires: the largest answers, their windows, whatever the company."""

import numpy as np

from convmixer_viz.analyses.kernels import firing
from tests.conftest import loaded
from tests.unit.analyses.kernels.test_kernel import look, pictures, prepared

__all__ = ["pictures"]  # a fixture


def fire(model, pictures, **options):
    *_, last = firing.compute(model, pictures, firing.Options(**options))
    return last.partial


def test_firing_places_are_the_largest_answers(tiny, pictures):
    found = fire(tiny, pictures, block=2, channel=3, count=4)
    answers = np.stack([look(tiny, one, block=2, channel=3).response for one in pictures])
    assert found.answers[0] == answers.max()
    picture, row, column = np.unravel_index(answers.argmax(), answers.shape)
    assert found.pictures[0] == f"noise {picture}"
    assert found.tokens[0].tolist() == [row, column]
    assert (np.diff(found.answers) <= 0).all()
    for name, token, answer in zip(found.pictures, found.tokens, found.answers, strict=True):
        assert answers[int(name[-1])][tuple(token)] == answer


def test_places_of_one_picture_keep_their_distance(tiny, pictures):
    found = fire(tiny, pictures[:1], block=1, channel=3, count=6)
    gaps = np.abs(found.tokens[:, None] - found.tokens[None]).max(-1)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 2


def test_the_box_is_the_window_and_the_patch_its_pixels():
    model = loaded()
    pixels = np.zeros((3, 16, 16))
    found = fire(model, [prepared(pixels)], block=1, channel=0, count=40)
    for (left, top, right, bottom), patch, (row, column) in zip(
        found.boxes, found.patches, found.tokens, strict=True
    ):
        assert ((left + right) / 2, (top + bottom) / 2) == (2 * column + 1, 2 * row + 1)
        assert right - left == bottom - top == 5 * 2
        assert patch.shape == (10, 10, 3)
    assert found.field == 10


def test_a_patch_beyond_the_picture_is_grey(tiny):
    ramp = np.broadcast_to(np.linspace(-2, 2, 16), (3, 16, 16))
    found = fire(tiny, [prepared(ramp)], block=1, channel=0, count=40)
    beyond = np.flatnonzero((found.boxes[:, :2] < 0).any(1))[0]
    left, top = np.maximum(-found.boxes[beyond, :2], 0)
    assert (found.patches[beyond, :top] == 128).all()
    assert (found.patches[beyond, :, :left] == 128).all()
    x, y = np.maximum(found.boxes[beyond, :2], 0)
    inside = found.patches[beyond, top:, left:]
    seen = found.views[beyond, y : y + len(inside), x : x + inside.shape[1]]
    assert np.array_equal(inside[: len(seen), : seen.shape[1]], seen)


def test_firing_does_not_depend_on_company(tiny, pictures):
    alone = fire(tiny, pictures[2:3], block=3, channel=1, count=3)
    among = fire(tiny, pictures, block=3, channel=1, count=40)
    mine = [i for i, name in enumerate(among.pictures) if name == "noise 2"][:3]
    assert np.array_equal(among.answers[mine], alone.answers)
