"""Colour scales of every figure, and the colours that values have on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.colors
from numpy.typing import NDArray

Scale = list[tuple[float, str]]
Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]


def _scale(colors: list[str]) -> Scale:
    labels, _ = plotly.colors.convert_colors_to_same_type(colors, "rgb")
    return list(zip(np.linspace(0, 1, len(labels)).tolist(), labels, strict=True))


DIVERGING: Scale = _scale(plotly.colors.diverging.RdBu_r)  # blue, white, red: below, at, above zero
SEQUENTIAL: Scale = _scale(plotly.colors.sequential.Cividis)
# Okabe and Ito's colours, the light ones darkened: 3:1 against white and against the dark ground,
# apart for every kind of colour blindness
CATEGORICAL = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07C00", "#4A97D2", "#808080")


def sample(scale: Scale, size: int) -> Bytes:
    """The colours of a scale at `size` even places, (size, 3)."""
    labels = plotly.colors.sample_colorscale([color for _, color in scale], size)
    return np.array([plotly.colors.unlabel_rgb(label) for label in labels], np.uint8)


def palette(scale: Scale) -> Bytes:
    """The colours of levels 0 … 255, (256, 3): grey for 0, not a number, then the scale."""
    return np.concatenate([np.full((1, 3), 128, np.uint8), sample(scale, 255)])


_DIVERGING = palette(DIVERGING)
BLUE, RED = _DIVERGING[25], _DIVERGING[-25]  # well below, well above zero


def levels(values: Floats, low: float, high: float) -> Bytes:
    """Values between `low` and `high` as 1 … 255, clipped; not-a-number as 0."""
    span = high - low if high > low else 1.0
    share = np.clip((np.nan_to_num(values, nan=low) - low) / span, 0, 1)
    share = share if high > low else np.full_like(share, 0.5)
    return np.where(np.isnan(values), 0, 1 + np.round(254 * share)).astype(np.uint8)


def diverging_rgb(values: Floats, limit: float) -> Bytes:
    """Signed values in blue, white and red between -limit and limit; one more axis, of 3."""
    return _DIVERGING[levels(values, -limit, limit)]
