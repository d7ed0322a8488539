"""One look for every figure: colour scales, fonts, pictures; readable on light and dark grounds."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import plotly.colors
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

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
INK = "#7b7b7b"  # words and axes: 4:1 on both grounds, for figures outside the app
GRID = "rgba(128, 128, 128, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"
FONT = "Source Sans 3, Source Sans Pro, Helvetica, Arial, sans-serif"
CONFIG: dict[str, Any] = {  # the figure's own button saves SVG, without a server
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "convmixer-viz"},
}


def table(scale: Scale, size: int) -> Bytes:
    """The colours of a scale at `size` even places, (size, 3)."""
    anchors = [plotly.colors.unlabel_rgb(color) for _, color in scale]
    places = [place for place, _ in scale]
    even = np.linspace(0, 1, size)
    return np.stack(
        [np.interp(even, places, channel) for channel in zip(*anchors, strict=True)], axis=1
    ).round().astype(np.uint8)  # fmt: skip


def _levels_table(scale: Scale) -> Bytes:
    return np.concatenate([np.full((1, 3), 128, np.uint8), table(scale, 255)])  # 0: not a number


_DIVERGING, _SEQUENTIAL = _levels_table(DIVERGING), _levels_table(SEQUENTIAL)
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
        modebar={"bgcolor": CLEAR, "color": INK},
        xaxis=_AXIS,
        yaxis=_AXIS,
        hoverlabel={"font": {"family": FONT, "size": 14}},
    )
)


def figure(fig: go.Figure, title: str | None = None, *, height: int | None = None) -> go.Figure:
    """Give a figure the common fonts, margins and clear ground; `height` in px."""
    fig.update_layout(template=_TEMPLATE, title=title, height=height)
    return fig


def picture_axes(fig: go.Figure) -> go.Figure:
    """Make axes those of a picture: square pixels, first row on top, no ticks."""
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, constrain="domain", autorange="reversed", scaleanchor="x")
    return fig


def color_bar(title: str) -> dict[str, Any]:
    """A slim colour bar for a plotly trace, its title (quantity and unit) along its side."""
    return {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0}


def color_bar_png(scale: Scale, *, width: int = 256, height: int = 10) -> bytes:
    """A colour bar as a picture, lowest value on the left, to stand under a mosaic."""
    return png(np.tile(table(scale, width)[None], (height, 1, 1)))


def levels(values: Floats, low: float, high: float) -> Bytes:
    """Values between `low` and `high` as 1 … 255, clipped; not-a-number as 0."""
    span = high - low if high > low else 1.0
    share = np.clip((np.nan_to_num(values, nan=low) - low) / span, 0, 1)
    share = share if high > low else np.full_like(share, 0.5)
    return np.where(np.isnan(values), 0, 1 + np.round(254 * share)).astype(np.uint8)


def diverging_rgb(values: Floats, limit: float) -> Bytes:
    """Signed values in blue, white and red between -limit and limit; one more axis, of 3."""
    return _DIVERGING[levels(values, -limit, limit)]


def sequential_rgb(values: Floats, low: float, high: float) -> Bytes:
    """Values from dark blue at `low` to yellow at `high`; one more axis, of 3."""
    return _SEQUENTIAL[levels(values, low, high)]


def overlay(picture: Bytes, values: Floats, limit: float) -> Bytes:
    """Signed values over a picture (h, w, 3), as strong as they are large; the values' cells
    cover the picture."""
    (h, w), (rows, columns) = picture.shape[:2], values.shape
    fine = values.repeat(h // rows, axis=0).repeat(w // columns, axis=1)
    grey = picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    strength = np.clip(np.abs(fine) / (limit or 1.0), 0, 1)[..., None]
    ground, color = 64 + grey / 2, np.where(fine[..., None] > 0, _DIVERGING[-25], _DIVERGING[25])
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
    picture = Image.fromarray(levels(values, low, high))
    picture.putpalette(_levels_table(colors).tobytes())
    return _save(picture, scale, transparency=0)


def _save(picture: Image.Image, scale: int, **options: int) -> bytes:
    if scale > 1:
        size = (picture.width * scale, picture.height * scale)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    file = BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()
