"""DecodedImage + Transform → PreparedImage: the tensor, and the view that the model really saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PreparedImage:
    """What goes into the model: normalised, contiguous, and how it looks to people."""

    name: str
    sha256: str  # of the decoded picture: width, height, pixels
    array: NDArray[np.float32]  # (3, h, w), normalised
    view: NDArray[np.uint8]  # (h, w, 3), the pixels before normalisation
    box: tuple[
        float, float, float, float
    ]  # left, top, right, bottom of the view in the picture, px
