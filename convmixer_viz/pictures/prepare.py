"""Resize, crop and normalise a picture as a preset does: the model's input, and how it looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz.errors import ChoiceError, PictureError
from convmixer_viz.pictures.decode import MAX_PIXELS, Picture
from convmixer_viz.pictures.edits import Place, edit_original, edit_prepared
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.presets.table import Transform
from convmixer_viz.questions.picture_edits import PictureEdit, PreparedEdit

Box = tuple[float, float, float, float]  # left, top, right, bottom
Carrier = TypeVar("Carrier", Picture, Drawn)  # of edits
PREPARED_BYTES = 128 * 2**20  # of the prepared pictures that one computation keeps
PIXEL_BYTES = 3 * (4 + 1)  # of one prepared pixel: float32 for the model, uint8 for people


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPicture:
    """What goes into the model: normalised, contiguous, and how it looks to people."""

    name: str
    sha256: str  # of the decoded picture: width, height, pixels
    array: NDArray[np.float32]  # (3, h, w), normalised
    view: NDArray[np.uint8]  # (h, w, 3), the pixels before normalisation
    box: Box  # of the view in the picture, px

    def cropped_to_patches(self, patch_size: int) -> PreparedPicture:
        """The same with view and box cut to whole patches: the model doesn't see pixels beyond."""
        (h, w), (left, top, right, bottom) = self.view.shape[:2], self.box
        down, across = h // patch_size * patch_size, w // patch_size * patch_size
        box = (left, top, left + (right - left) * across / w, top + (bottom - top) * down / h)
        return replace(self, view=self.view[:down, :across], box=box)


class Cut(NamedTuple):
    """A picture's size in px after resizing, and the square that is cut out of it."""

    width: int
    height: int
    left: int
    top: int
    side: int


class PreparedPictures(Sequence[PreparedPicture]):
    """Pictures that are prepared when they are asked for; the ones asked for last are kept."""

    def __init__(
        self,
        images: Sequence[Picture],
        transform: Transform,
        side: int,
        patch_size: int | None = None,
    ) -> None:
        for image in images:
            for each in (image, *image.sources):
                _resized(each, transform, side)  # one that can't be prepared raises at once
        self._images, self._count = images, len(images)
        self._place = transform, side, patch_size
        self._prepare = lru_cache(max(1, PREPARED_BYTES // (PIXEL_BYTES * side**2)))(
            lambda index: prepare(images[index], transform, side, patch_size)
        )

    def __len__(self) -> int:
        return self._count

    @property
    def edits(self) -> tuple[PictureEdit, ...]:
        """Of all pictures."""
        carriers = [self._images] if isinstance(self._images, Drawn) else self._images
        first, *others = dict.fromkeys(each.edits for each in carriers)
        if others:
            raise ChoiceError("These pictures are edited in several ways: give all the same edits.")
        return first

    def edited(self, edits: tuple[PictureEdit, ...]) -> PreparedPictures:
        """The same pictures with other edits instead of their own: all of these, with other
        amounts, or none."""

        def change(each: Carrier) -> Carrier:
            return replace(each, edits=edits, sources=each.sources if edits else ())

        images = self._images
        changed = change(images) if isinstance(images, Drawn) else tuple(map(change, images))
        return PreparedPictures(changed, *self._place)

    @property
    def labelled(self) -> bool:
        """Whether each picture has a class: those of a data set with one folder a class."""
        return isinstance(self._images, Drawn) and bool(self._images.data.classes)

    def labels(self, class_names: Sequence[str]) -> NDArray[np.int64]:
        """(n,) Each picture's class among a preset's names; only those of a data set have one."""
        if not isinstance(self._images, Drawn):
            raise ChoiceError("These pictures have no labels: choose a data set, by --data.")
        return self._images.labels(class_names)

    @overload
    def __getitem__(self, index: int) -> PreparedPicture: ...
    @overload
    def __getitem__(self, index: slice) -> list[PreparedPicture]: ...
    def __getitem__(self, index: int | slice) -> PreparedPicture | list[PreparedPicture]:
        indices = range(self._count)[index]
        if isinstance(indices, range):
            return [self._prepare(i) for i in indices]
        return self._prepare(indices)


def prepare(
    image: Picture, transform: Transform, side: int | None = None, patch_size: int | None = None
) -> PreparedPicture:
    """Resize, crop and normalise as timm does, with the picture's edits; `side` in pixels replaces
    the transform's own, `patch_size` is the preset's, in which some edits are made."""
    side = transform.size if side is None else side
    width, height = _resized(image, transform, side)
    left, top = _offset(width, side), _offset(height, side)
    view = _view(image, Cut(width, height, left, top, side))
    across, down = image.width / width, image.height / height
    box = (left * across, top * down, (left + side) * across, (top + side) * down)
    array = _normalise(view, transform)
    if any(isinstance(edit, PreparedEdit) for edit in image.edits):
        assert patch_size, f"{image.title} is edited in a preset's patches"
        donors = (prepare(source, transform, side).array for source in image.sources)
        place = Place(patch_size, side / transform.size, transform)
        array = np.ascontiguousarray(edit_prepared(array, image.edits, donors, place))
        view = _look(array, transform)
    return PreparedPicture(image.title, image.sha256, array, view, box)


def cut_out(pixels: NDArray[np.uint8], cut: Cut) -> NDArray[np.uint8]:
    """(side, side, 3): resized, bicubic and antialiased, and cropped."""
    size, (_, _, left, top, side) = (cut.width, cut.height), cut
    resized = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def _view(image: Picture, cut: Cut) -> NDArray[np.uint8]:
    if isinstance(image.content, np.ndarray | Path):
        return cut_out(edit_original(image.pixels, image.edits), cut)
    return image.content.view(cut, image.edits)


def _resized(image: Picture, transform: Transform, side: int) -> tuple[int, int]:
    """Width and height before the crop, rounded down as torchvision rounds."""
    if side < 1:
        raise ChoiceError(f"A resolution of {side} pixels is none: choose 1 or more.")
    if transform.fit == "squash":
        width = height = side
    else:
        short = math.floor(side / transform.share)
        long = int(short * max(image.width, image.height) / min(image.width, image.height))
        width, height = (short, long) if image.width <= image.height else (long, short)
    if side * side > MAX_PIXELS:
        limit = math.isqrt(MAX_PIXELS)
        raise ChoiceError(f"A resolution of {side} pixels is too large: {limit} is the limit.")
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{image.name} is too long and narrow ({image.width}×{image.height} pixels) for a "
            f"centre crop of {side} pixels: crop it first."
        )
    return width, height


def _offset(length: int, side: int) -> int:
    return round((length - side) / 2)  # half to even, as torchvision's centre crop


def _normalise(view: NDArray[np.uint8], transform: Transform) -> NDArray[np.float32]:
    """(h, w, 3) of 0 … 255 → (3, h, w), each step rounded to float32 as torch does."""
    scaled = np.divide(view, 255, dtype=np.float32)
    mean, std = np.array(transform.mean, np.float32), np.array(transform.std, np.float32)
    return np.ascontiguousarray(((scaled - mean) / std).transpose(2, 0, 1))


def _look(array: NDArray[np.float32], transform: Transform) -> NDArray[np.uint8]:
    """(3, h, w) → (h, w, 3) of 0 … 255: exactly what _normalise() was given."""
    shares = array.transpose(1, 2, 0) * np.array(transform.std) + np.array(transform.mean)
    levels: NDArray[np.uint8] = np.clip(np.rint(255 * shares), 0, 255).astype(np.uint8)
    return levels
