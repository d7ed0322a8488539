"""PNG bytes as numbers, for the tests of what figures draw."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(png: bytes) -> NDArray[np.int64]:
    """Red, green, blue and alpha, (h, w, 4)."""
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA")).astype(np.int64)
