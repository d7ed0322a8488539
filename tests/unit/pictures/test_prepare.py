"""Known answers for the crop, its place in the picture, and normalisation; timm is in parity/."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.errors import ChoiceError, PictureError
from convmixer_viz.pictures import decode, prepare as pictures_prepare
from convmixer_viz.pictures.prepare import PreparedPicture, PreparedPictures, prepare
from convmixer_viz.presets.table import CIFAR10, IMAGENET, IMAGENETTE, Transform

RNG = np.random.default_rng(0)


def picture(width: int, height: int) -> decode.Picture:
    return decode.from_pixels(RNG.integers(0, 256, (height, width, 3), np.uint8), "noise")


def test_a_picture_of_the_right_size_passes_unchanged() -> None:
    source = picture(32, 32)
    prepared = prepare(source, CIFAR10)
    assert np.array_equal(prepared.view, source.pixels)
    assert prepared.box == (0, 0, 32, 32)
    assert (prepared.name, prepared.sha256) == ("noise", source.sha256)
    levels = source.pixels.transpose(2, 0, 1) / 255
    expected = (levels - np.reshape(CIFAR10.mean, (3, 1, 1))) / np.reshape(CIFAR10.std, (3, 1, 1))
    assert np.abs(prepared.array - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((233, 233), (4, 4, 228, 228)),  # (233 − 224) / 2 = 4.5 rounds to 4, half to even
        ((466, 466), (8, 8, 456, 456)),
        ((235, 233), (6, 4, 230, 228)),  # 5.5 rounds to 6
        ((233, 300), (4, 38, 228, 262)),
    ],
)
def test_box_is_the_crop_in_the_pictures_pixels(
    size: tuple[int, int], box: tuple[float, float, float, float]
) -> None:
    prepared = prepare(picture(*size), IMAGENET)
    assert prepared.box == pytest.approx(box)
    assert prepared.view.shape == (224, 224, 3) and prepared.array.shape == (3, 224, 224)


def test_box_shows_the_right_part() -> None:
    pixels = np.zeros((120, 200, 3), np.uint8)
    pixels[:, 100:] = 255
    prepared = prepare(decode.from_pixels(pixels, "half"), Transform(60, "crop"))
    assert prepared.box == pytest.approx((40, 0, 160, 120))
    assert prepared.view[:, :28].max() == 0 and prepared.view[:, 32:].min() == 255


def test_squash_takes_the_whole_picture() -> None:
    prepared = prepare(picture(300, 100), IMAGENETTE)
    assert prepared.box == (0, 0, 300, 100) and prepared.view.shape == (224, 224, 3)


@pytest.mark.parametrize("side", [1, 7, 31, 450])
def test_any_side_gives_a_contiguous_float32_array(side: int) -> None:
    prepared = prepare(picture(50, 41), IMAGENET, side)
    assert prepared.array.shape == (3, side, side) and prepared.array.dtype == np.float32
    assert prepared.array.flags.c_contiguous and prepared.view.flags.c_contiguous


def test_impossible_sides_and_shapes_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(ChoiceError, match="none: choose 1 or more"):
        prepare(picture(9, 9), IMAGENET, 0)
    for transform in (IMAGENET, IMAGENETTE):
        with pytest.raises(ChoiceError, match="too large: 8000 is the limit"):
            prepare(picture(9, 9), transform, 10**9)
    with pytest.raises(PictureError, match="too long and narrow"):
        prepare(picture(1, 30_000), IMAGENET)


def test_pictures_are_prepared_when_asked_for_and_the_last_ones_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(pictures_prepare, "PREPARED_BYTES", 2 * 15 * 8**2)  # two of 8 × 8

    def recording(
        image: decode.Picture, transform: Transform, side: int, patch_size: int | None
    ) -> PreparedPicture:
        prepared.append(image.name)
        return prepare(image, transform, side, patch_size)

    monkeypatch.setattr(pictures_prepare, "prepare", recording)
    sources = [decode.from_pixels(picture(9, 9).pixels, name) for name in "abcd"]
    pictures = PreparedPictures(sources, CIFAR10, 8)
    assert len(pictures) == 4 and prepared == []
    assert [image.name for image in pictures[1:3]] == ["b", "c"] == prepared
    assert pictures[1] is pictures[-3] and pictures[2].name == "c" and prepared == ["b", "c"]
    assert np.array_equal(pictures[0].array, prepare(sources[0], CIFAR10, 8).array)
    assert pictures[1].name == "b" and prepared == ["b", "c", "a", "b"]
    assert [image.name for image in pictures] == list("abcd")
    with pytest.raises(IndexError):
        pictures[4]


def test_a_picture_that_cannot_be_prepared_raises_before_any_work() -> None:
    with pytest.raises(PictureError, match="too long and narrow"):
        PreparedPictures([picture(9, 9), picture(1, 30_000)], IMAGENET, 224)


def test_pixels_beyond_whole_patches_are_not_seen() -> None:
    whole = prepare(picture(50, 100), IMAGENETTE, 55)
    cropped = whole.cropped_to_patches(14)
    assert cropped.view.shape == (42, 42, 3) and cropped.array is whole.array
    assert cropped.box == pytest.approx((0, 0, 50 * 42 / 55, 100 * 42 / 55))
    assert whole.cropped_to_patches(5).box == pytest.approx(whole.box)
