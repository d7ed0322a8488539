"""Edits of a picture: what each does, to the original's pixels or to the view that a model gets."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz.errors import ChoiceError, PictureError
from convmixer_viz.pictures.decode import MAX_PIXELS, Picture, named
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.presets.table import Preset, Transform
from convmixer_viz.questions import picture_edits as words
from convmixer_viz.questions.picture_edits import OriginalEdit, PictureEdit, PreparedEdit

Pixels = NDArray[np.uint8]  # (h, w, 3) of 0 … 255
View = NDArray[np.float32]  # (3, h, w), normalised
Source = Callable[[str], Picture]  # the picture of a name that a paste gives
Edited = TypeVar("Edited", Picture, Drawn)
ROWS_AT_ONCE = 256  # for which noise is drawn
REACH = 3  # σ of a Gaussian to each side


class Place(NamedTuple):
    """Where a prepared edit is made: the view's scale against the preset's own size."""

    patch_size: int  # px at the preset's own size
    scale: float  # pixels of the view for one pixel at the preset's own size
    transform: Transform

    @property
    def grid(self) -> int:
        """Tokens a side at the preset's own size."""
        return self.transform.size // self.patch_size


def edited(picture: Edited, edits: Iterable[str | PictureEdit], source: Source = named) -> Edited:
    """A picture, or all of a data set, that carries these edits after those that it has."""
    parsed: tuple[PictureEdit, ...] = words.parse_all(edits)
    names = [edit.from_ for edit in parsed if isinstance(edit, words.Paste)]
    pasted: tuple[Picture, ...] = tuple(_plain(source(name)) for name in names)
    together = words.parse_all((*picture.edits, *parsed))
    return replace(picture, edits=together, sources=(*picture.sources, *pasted))


def edited_all(
    pictures: Sequence[Picture], edits: Iterable[str | PictureEdit], source: Source = named
) -> Sequence[Picture]:
    """The same of several pictures."""
    if isinstance(pictures, Drawn):
        return edited(pictures, edits, source)
    parsed, each_once = words.parse_all(edits), lru_cache(source)
    return tuple(edited(picture, parsed, each_once) for picture in pictures)


def _plain(picture: Picture) -> Picture:
    return replace(picture, edits=(), sources=())


def check(edits: Iterable[PictureEdit], preset: Preset, side: int | None = None) -> None:
    """Refuse, before any work, prepared edits that a preset's pixels or tokens don't have."""
    place = Place(preset.shape.patch_size, 1.0, preset.transform)
    for edit in edits:
        if isinstance(edit, words.Remove | words.Paste):
            _check_tokens(edit, preset, place)
        if isinstance(edit, PreparedEdit) and side and not isinstance(edit, words.Blur):
            _check_side(edit, preset, side)


def edit_original(pixels: Pixels, edits: Iterable[PictureEdit]) -> Pixels:
    """The original's pixels after the edits that are made of it."""
    for edit in edits:
        if isinstance(edit, OriginalEdit):
            pixels = _ORIGINAL[type(edit)](pixels, edit)
    return pixels


def edit_prepared(
    view: View, edits: Iterable[PictureEdit], donors: Iterable[View], place: Place
) -> View:
    """A view after the edits that are made of it; `donors`: the views that are pasted, in order."""
    sources = iter(donors)
    for edit in edits:
        if isinstance(edit, words.Paste):
            view = _paste(view, edit, next(sources), place)
        elif isinstance(edit, PreparedEdit):
            view = _PREPARED[type(edit)](view, edit, place)
    return view


def _check_tokens(edit: words.Remove | words.Paste, preset: Preset, place: Place) -> None:
    grid = place.grid
    if edit.grid not in (0, grid):
        raise ChoiceError(
            f"{edit.name} names tokens of a {edit.grid}×{edit.grid} grid, and {preset.name} has "
            f"{grid}×{grid}: choose its tokens again."
        )
    last = grid**2 - 1
    beyond = [n for n in (*edit.tokens, getattr(edit, "at", None) or 0) if n > last]
    if beyond:
        raise ChoiceError(f"{preset.name} has no token {beyond[0]}: choose 0 to {last}.")
    if isinstance(edit, words.Paste):
        _landing(edit, grid)


def _check_side(edit: PreparedEdit, preset: Preset, side: int) -> None:
    own = preset.transform.size
    if side % own:
        raise ChoiceError(
            f"{edit.name} is made in {preset.name}'s own {own}×{own} pixels: choose a resolution "
            f"that is a multiple of {own}, not {side}."
        )


# of the original


def _grey(pixels: Pixels, edit: words.Grey) -> Pixels:
    image = Image.fromarray(pixels)
    return np.asarray(Image.blend(image, image.convert("L").convert("RGB"), edit.share))


def _brightness(pixels: Pixels, edit: words.Brightness) -> Pixels:
    return _by_level(pixels, edit.factor * np.arange(256))


def _contrast(pixels: Pixels, edit: words.Contrast) -> Pixels:
    levels = np.bincount(np.asarray(Image.fromarray(pixels).convert("L")).ravel(), minlength=256)
    mean = float(levels @ np.arange(256) / levels.sum())
    return _by_level(pixels, mean + edit.factor * (np.arange(256) - mean))


def _noise(pixels: Pixels, edit: words.Noise) -> Pixels:
    """Drawn from top to bottom, so that memory stays small."""
    generator, noisy = np.random.default_rng(edit.seed), np.empty_like(pixels)
    for start in range(0, len(pixels), ROWS_AT_ONCE):
        rows = pixels[start : start + ROWS_AT_ONCE]
        noise = generator.standard_normal(rows.shape, np.float32)
        noisy[start : start + len(rows)] = _levels(rows + np.float32(edit.sd) * noise)
    return noisy


def _jpeg(pixels: Pixels, edit: words.Jpeg) -> Pixels:
    file = io.BytesIO()
    try:
        Image.fromarray(pixels).save(file, "JPEG", quality=edit.quality)
    except OSError as error:  # the format ends at 65,535 pixels a side
        size = f"{pixels.shape[1]}×{pixels.shape[0]}"
        raise PictureError(f"{size} pixels are too many for a JPEG: scale it first.") from error
    return np.asarray(Image.open(file, formats=("JPEG",)))


def _turn(pixels: Pixels, edit: words.Turn) -> Pixels:
    """Bicubic, on a larger picture that is mirrored about its borders."""
    if edit.degrees == 0:
        return pixels
    height, width = pixels.shape[:2]
    cos, sin = (abs(f(math.radians(edit.degrees))) for f in (math.cos, math.sin))
    across = max(0, math.ceil((width * cos + height * sin - width) / 2)) + 2
    down = max(0, math.ceil((width * sin + height * cos - height) / 2)) + 2
    if (width + 2 * across) * (height + 2 * down) > 3 * MAX_PIXELS:
        raise PictureError(
            f"{width}×{height} pixels are too long and narrow, or too many, to be turned: crop or "
            "scale the picture first."
        )
    padded = np.pad(pixels, ((down, down), (across, across), (0, 0)), "reflect")
    turned = Image.fromarray(padded).rotate(edit.degrees, Image.Resampling.BICUBIC)
    return np.asarray(turned.crop((across, down, across + width, down + height)))


def _mirror(pixels: Pixels, edit: words.Mirror) -> Pixels:
    return np.ascontiguousarray(np.flip(pixels, 1 if edit.axis == "x" else 0))


def _by_level(pixels: Pixels, values: NDArray[np.floating]) -> Pixels:
    """`values`: what each of the 256 levels becomes."""
    return _levels(values)[pixels]


def _levels(values: NDArray[np.floating]) -> Pixels:
    """Rounded, and cut at black and white."""
    levels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


# of the view


def _shift(view: View, edit: words.Shift, place: Place) -> View:
    step = place.scale * (place.patch_size if edit.unit == "patch" else 1)
    rows = _mirrored(view.shape[1], round(edit.y * step))
    columns = _mirrored(view.shape[2], round(edit.x * step))
    return view[:, rows[:, None], columns]


def _mirrored(length: int, shift: int) -> NDArray[np.int64]:
    """Where each pixel comes from; beyond a border the order turns round, as in numpy's reflect."""
    period = max(1, 2 * (length - 1))
    places = (np.arange(length) - shift) % period
    return np.minimum(places, period - places) if length > 1 else places


def _blur(view: View, edit: words.Blur, place: Place) -> View:
    return _smooth(view, edit.sigma * place.scale)


def _smooth(view: View, sigma: float) -> View:
    """As the baseline "blur" of attribution: the same weights, summed in float64."""
    if sigma == 0:
        return view
    smooth = view.astype(np.float64)
    for axis in (1, 2):
        reach = min(round(REACH * sigma) + 1, min(view.shape[1:]) - 1)
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        pad = [(reach, reach) if each == axis else (0, 0) for each in range(3)]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(smooth, pad, "reflect"), 2 * reach + 1, axis
        )
        smooth = windows @ (weights / weights.sum())
    return smooth.astype(np.float32)


def _remove(view: View, edit: words.Remove, place: Place) -> View:
    gone = _pixels_of(_chosen(edit.tokens, place.grid), view, place)
    return np.where(gone, _FILLS[edit.fill](view, place), view).astype(np.float32)


def _paste(view: View, edit: words.Paste, donor: View, place: Place) -> View:
    chosen = _chosen(edit.tokens, place.grid)
    down, across = _landing(edit, place.grid)
    source = _pixels_of(chosen, view, place)
    target = _pixels_of(np.roll(chosen, (down, across), (0, 1)), view, place)
    pasted = view.copy()
    pasted[:, target] = donor[:, source]  # both row by row, in one order
    return pasted


def _chosen(tokens: Sequence[int], grid: int) -> NDArray[np.bool_]:  # (grid, grid)
    chosen = np.full(grid**2, not tokens)
    chosen[list(tokens)] = True
    return chosen.reshape(grid, grid)


def _landing(edit: words.Paste, grid: int) -> tuple[int, int]:
    """By how many tokens a region moves down and to the right."""
    rows, columns = (np.flatnonzero(_chosen(edit.tokens, grid).any(axis)) for axis in (1, 0))
    top, left, bottom, right = rows[0], columns[0], rows[-1], columns[-1]
    row, column = divmod(edit.at, grid) if edit.at is not None else (top, left)
    if row + bottom - top >= grid or column + right - left >= grid:
        raise ChoiceError(
            f"A region of {bottom - top + 1}×{right - left + 1} tokens doesn't fit at token "
            f"{edit.at} of {grid}×{grid}: choose one further up or to the left."
        )
    return int(row - top), int(column - left)


def _pixels_of(tokens: NDArray[np.bool_], view: View, place: Place) -> NDArray[np.bool_]:
    """(grid, grid) → (h, w) Pixels beyond the last whole patch belong to no token."""
    side = round(place.patch_size * place.scale)
    pixels = np.zeros(view.shape[1:], bool)
    whole = tokens.repeat(side, 0).repeat(side, 1)
    pixels[: len(whole), : len(whole)] = whole
    return pixels


def _black(view: View, place: Place) -> View:
    mean, std = (np.array(t, np.float32) for t in (place.transform.mean, place.transform.std))
    black: View = (-mean / std)[:, None, None]
    return black


_FILLS: dict[str, Callable[[View, Place], View]] = {
    "mean": lambda view, place: np.zeros((3, 1, 1), np.float32),
    "blur": lambda view, place: _smooth(view, view.shape[1] / 16),
    "black": _black,
}
_ORIGINAL: dict[type[PictureEdit], Callable[[Pixels, Any], Pixels]] = {
    words.Grey: _grey,
    words.Brightness: _brightness,
    words.Contrast: _contrast,
    words.Noise: _noise,
    words.Jpeg: _jpeg,
    words.Turn: _turn,
    words.Mirror: _mirror,
}
_PREPARED: dict[type[PictureEdit], Callable[[View, Any, Place], View]] = {
    words.Shift: _shift,
    words.Blur: _blur,
    words.Remove: _remove,
}
