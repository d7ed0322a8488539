"""Named pictures that need no download: scikit-image's free photographs and drawn probes."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.errors import PictureError

SIDE = 224  # pixels of a drawn probe; 7 divides it, so the tokens of all presets fall on it


def chirp() -> NDArray[np.uint8]:
    """Rings whose frequency grows from 0 at the centre to half a cycle a pixel at the edges."""
    y, x = _coordinates()
    return _grey(0.5 + 0.5 * np.cos(np.pi * (x**2 + y**2) / SIDE))


def gratings() -> NDArray[np.uint8]:
    """Sine waves: a column an orientation (0°, 45°, 90°, 135°), a row a period (8 to 56 px)."""
    y, x = _coordinates()
    tile = SIDE // 4
    rows = np.repeat(2 * np.pi / np.array([8.0, 14.0, 28.0, 56.0]), tile)[:, None]
    angles = np.repeat(np.deg2rad([0.0, 45.0, 90.0, 135.0]), tile)[None, :]
    return _grey(0.5 + 0.5 * np.sin(rows * (x * np.cos(angles) + y * np.sin(angles))))


def checkerboard() -> NDArray[np.uint8]:
    """Black and white squares of 28 px."""
    y, x = np.mgrid[:SIDE, :SIDE] // 28
    return _grey((y + x) % 2)


def dot() -> NDArray[np.uint8]:
    """One white square of 7 px beside the centre, where token (16, 16) of a 32×32 grid lies."""
    pixels = np.zeros((SIDE, SIDE))
    pixels[112:119, 112:119] = 1
    return _grey(pixels)


# name → what it shows, and scikit-image's file or the function that draws it; in display order
GALLERY: dict[str, tuple[str, str | Callable[[], NDArray[np.uint8]]]] = {
    "cat": ("a tabby cat's face (Chelsea, by Stefan van der Walt, CC0)", "chelsea.png"),
    "astronaut": ("Eileen Collins before a shuttle (NASA, public domain)", "astronaut.png"),
    "coffee": ("a cup of coffee (by Rachel Michetti, CC0)", "coffee.png"),
    "rocket": ("a rocket on its pad at night (SpaceX, public domain)", "rocket.jpg"),
    "camera": ("a photographer in a field, grey (by Lav Varshney, CC0)", "camera.png"),
    "coins": ("Greek coins, grey (Brooklyn Museum, no known restrictions)", "coins.png"),
    "galaxies": ("the Hubble eXtreme Deep Field (NASA, public domain)", "hubble_deep_field.jpg"),
    "moon": ("the Moon's surface, grey (NASA, public domain)", "moon.png"),
    "retina": ("the back of an eye (by Häggström, CC0)", "retina.jpg"),
    "bricks": ("a brick wall, grey, all texture (CC0Textures)", "brick.png"),
    "gravel": ("gravel, grey, all texture (CC0Textures)", "gravel.png"),
    "chirp": ("probe: rings of every frequency, slow inside and fast outside", chirp),
    "gratings": ("probe: waves of four orientations and four periods", gratings),
    "checkerboard": ("probe: black and white squares of 28 px", checkerboard),
    "dot": ("probe: one white square of 7 px on black", dot),
}


def photograph(file: str) -> Path:
    """Path of one of the photographs that lie inside scikit-image's wheel."""
    spec = find_spec("skimage")  # finds the package without importing it
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec else Path()
    path = folder / "data" / file
    if not path.is_file():
        raise PictureError(
            f"scikit-image's {file} is not installed: run pip install --force-reinstall "
            "scikit-image, or choose a drawn picture such as gallery:chirp."
        )
    return path


def _coordinates() -> NDArray[np.float64]:
    return np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2  # pixels from the centre


def _grey(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    levels = np.rint(np.asarray(values, float) * 255).astype(np.uint8)
    return np.repeat(levels[:, :, None], 3, axis=2)
