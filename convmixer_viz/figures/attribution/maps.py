"""An attribution map over the picture, by token or by pixel; its unit, badge and sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import overlays, style
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.attribution import METHODS, AttributionMap

Resolution = Literal["tokens", "pixels"]
NOT_TESTED = (
    "No simpler map is known that this method may turn out to be, so none was compared. That says "
    "nothing about whether it can be trusted: score it."
)


def draw(
    result: AttributionMap,
    *,
    limit: float | None = None,
    strength: float = 0.85,
    resolution: Resolution = "tokens",
) -> go.Figure:
    """The map over the view; pixels are summed over colours, and methods without them stay at
    tokens."""
    return overlays.draw(
        result.view,
        values(result, resolution),
        signed=result.signed,
        limit=limit,
        strength=strength,
        unit=unit(result, resolution),
    )


def still(result: AttributionMap) -> Still:
    """The map by token over what the model saw."""
    limit = overlays.shared_limit([result.tokens])
    png = style.png(style.overlay(result.view, result.tokens, limit))
    return Still(png, f"{describe(result)} Full colour is {limit:.2g} {unit(result)}.")


def unit(result: AttributionMap, resolution: Resolution = "tokens") -> str:
    """What a colour stands for, for the colour bar: "logit a token"."""
    cell = "token" if resolution == "tokens" or result.pixels is None else "pixel"
    return METHODS[result.method].unit.format(cell=cell)


def values(result: AttributionMap, resolution: Resolution = "tokens") -> NDArray[np.float32]:
    """What is drawn, (H, W) or (h, w), raw."""
    if resolution == "tokens" or result.pixels is None:
        return result.tokens
    pixels = result.pixels if result.signed else np.abs(result.pixels)
    height, width = result.view.shape[:2]  # beyond it no token looks
    return np.asarray(pixels.sum(0)[:height, :width], np.float32)


def shared_limit(
    results: Sequence[AttributionMap], resolution: Resolution = "tokens"
) -> float | None:
    """One limit for maps of one method: their largest size."""
    return overlays.shared_limit([values(result, resolution) for result in results])


def badge(result: AttributionMap) -> tuple[str, str]:
    """What was tested of the map, and what came out: whether it is a simpler map by another
    name."""
    simpler = METHODS[result.method].simpler
    if simpler is None:
        return "no simpler map known", NOT_TESTED
    relation = "is" if result.identical_to else "differs from"
    return f"{relation} {simpler.name}", result.validity


def describe(result: AttributionMap) -> str:
    """What the colours say, and the sum where the method promises one."""
    way = f"Red speaks for {result.target_name}, blue against."
    if not result.signed:
        way = f"Bright patches matter for {result.target_name}; the sign means nothing."
    if result.expected is None or result.completeness is None:
        return way
    return (
        f"{way} Sum {result.total:+.3f}, promised {result.expected:+.3f}: "
        f"off by {result.completeness:.2%}."
    )
