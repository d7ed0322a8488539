"""One look for every figure, on light and dark grounds: fonts, axes, colour bars, PNGs."""

from __future__ import annotations

from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz.contract import Result
from convmixer_viz.figures import color_scales
from convmixer_viz.figures.color_scales import CATEGORICAL, DIVERGING, SEQUENTIAL, Scale

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]
INK = "#7b7b7b"  # text and axes: 4:1 on both grounds, for figures outside the app
GRID = "rgba(128, 128, 128, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"
FONT = "Source Sans 3, Source Sans Pro, Helvetica, Arial, sans-serif"
CONFIG: dict[str, Any] = {  # the figure's own button saves SVG, without a server
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "convmixer-viz"},
}
_AXIS = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True}
_TEMPLATE = go.layout.Template(
    layout=go.Layout(
        font={"family": FONT, "size": 14, "color": INK},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        colorway=CATEGORICAL,
        colorscale={"sequential": SEQUENTIAL, "diverging": DIVERGING},
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        title={"x": 0, "xanchor": "left", "font": {"size": 16}},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top"},
        dragmode=False,  # a finger scrolls the page; the figure's buttons zoom and pan
        modebar={"bgcolor": CLEAR, "color": INK},
        xaxis=_AXIS,
        yaxis=_AXIS,
        hoverlabel={"font": {"family": FONT, "size": 14}},
    )
)


class Still(NamedTuple):
    """A result's main picture where nothing can be clicked."""

    png: bytes
    caption: str  # what it shows, and on which scale


def figure(fig: go.Figure, title: str | None = None, *, height: int | None = None) -> go.Figure:
    """Give a figure the common fonts, margins and clear ground; `height` in px."""
    fig.update_layout(template=_TEMPLATE, title=title, height=height)
    return fig


def preset_name(result: Result, number: int | None = None) -> str:
    """The preset of a result, and whether it is edited; "model", with its number among several,
    where the result names none."""
    if result.provenance:
        return result.provenance.preset + " edited" * bool(result.provenance.edits)
    return "model" if number is None else f"model {number + 1}"


def picture_axes(fig: go.Figure) -> go.Figure:
    """Make axes those of a picture: square pixels, first row on top, no ticks."""
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, constrain="domain", autorange="reversed", scaleanchor="x")
    return fig


def color_bar(title: str) -> dict[str, Any]:
    """A slim colour bar for a plotly trace, its title (quantity and unit) along its side."""
    return {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0}


def overlay(picture: Bytes, values: Floats, limit: float) -> Bytes:
    """Signed values over a picture (h, w, 3), as strong as they are large; the values' cells
    cover the picture."""
    (h, w), (rows, columns) = picture.shape[:2], values.shape
    fine = values.repeat(h // rows, axis=0).repeat(w // columns, axis=1)
    grey = picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    strength = np.clip(np.abs(fine) / (limit or 1.0), 0, 1)[..., None]
    ground = 64 + grey / 2
    color = np.where(fine[..., None] > 0, color_scales.RED, color_scales.BLUE)
    return np.asarray(ground + 0.85 * strength * (color - ground)).round().astype(np.uint8)


def png(pixels: Bytes, scale: int = 1, *, colors: int | None = None) -> bytes:
    """Pixels (h, w), (h, w, 3) or (h, w, 4) as a PNG, each enlarged to scale × scale; `colors`
    (of (h, w, 3) only) keeps a small file by so many colours at most."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if colors:
        picture = picture.quantize(colors, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    return _save(picture, scale)


def palette_png(
    values: Floats, low: float, high: float, *, colors: Scale = DIVERGING, scale: int = 1
) -> bytes:
    """Values (h, w) as a small PNG of indexed colours; not-a-number (a gutter) is transparent."""
    picture = Image.fromarray(color_scales.levels(values, low, high))
    picture.putpalette(color_scales.palette(colors).tobytes())
    return _save(picture, scale, transparency=0)


def _save(picture: Image.Image, scale: int, **options: int) -> bytes:
    if scale > 1:
        size = (picture.width * scale, picture.height * scale)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    file = BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()
