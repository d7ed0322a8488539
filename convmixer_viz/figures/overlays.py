"""A map over the view that the model saw: see-through where it is near zero, numbers on hover."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style

Floats = NDArray[np.floating[Any]]

LEAST_SIDE = 448  # px that a view is enlarged to, so that a browser does not blur it
HEIGHT = 340  # px
STEPS = 33  # colours of a see-through scale


def draw(
    view: NDArray[np.uint8],
    values: Floats,
    *,
    signed: bool = True,
    limit: float | None = None,
    strength: float = 0.85,
    unit: str = "",
) -> go.Figure:
    """Values (rows, columns) over the view (h, w, 3); the scale runs to ±limit, or from 0 to
    limit where the sign means nothing. `strength` 0 … 1 is the colour's share at the limit."""
    limit = limit or shared_limit([values])
    heat = go.Heatmap(
        z=values,
        zmin=-limit if signed else 0,
        zmax=limit,
        colorscale=see_through_scale(signed, strength),
        showscale=False,
        hovertemplate="row %{y}, column %{x}: %{z:.4g}<extra></extra>",
        hoverongaps=False,
    )
    axis = {
        "cmin": heat.zmin,
        "cmax": heat.zmax,
        "colorbar": color_bar_below(unit),
        "colorscale": scale_over_grey(signed, strength),
    }
    figure = style.figure(go.Figure([heat, _axis_carrier()]), height=HEIGHT)
    figure.update_layout(margin_t=8, coloraxis=axis)
    style.picture_axes(figure)
    return figure.add_layout_image(_ground(view, values.shape))


def _axis_carrier() -> go.Scatter:
    """An invisible trace for the colour axis: its bar is opaque where the map is see-through."""
    marker = {"color": [0], "coloraxis": "coloraxis"}
    return go.Scatter(x=[None], y=[None], marker=marker, hoverinfo="skip", showlegend=False)


def color_bar_below(unit: str) -> dict[str, Any]:
    """A colour bar below the map, so that narrow columns keep their width for the map."""
    return {
        "title": {"text": unit, "side": "bottom"},
        "orientation": "h",
        "lenmode": "pixels",
        "len": 210,
        "y": -0.02,
        "yanchor": "top",
        "thickness": 10,
        "outlinewidth": 0,
        "tickformat": ".2~g",
    }


def shared_limit(maps: Sequence[Floats]) -> float:
    """The common limit of several maps: their largest absolute value, 1 where all are zero."""
    return max((float(np.abs(values).max()) for values in maps if values.size), default=0.0) or 1.0


def see_through_scale(signed: bool, strength: float) -> list[tuple[float, str]]:
    """A scale whose colours fade to nothing at zero."""
    places = np.linspace(0, 1, STEPS)
    colors = color_scales.sample(
        color_scales.DIVERGING if signed else color_scales.SEQUENTIAL, STEPS
    )
    sizes = np.abs(2 * places - 1) if signed else places
    return [
        (float(place), f"rgba({r}, {g}, {b}, {strength * size**0.5:.3f})")
        for place, (r, g, b), size in zip(places, colors, sizes, strict=True)
    ]


def scale_over_grey(signed: bool, strength: float) -> list[tuple[float, str]]:
    """The same scale as it looks over the middle grey of the ground, on whatever page."""
    middle = float(_shade(np.array(127.5)))
    colors = []
    for place, color in see_through_scale(signed, strength):
        *rgb, alpha = (float(part) for part in color[5:-1].split(","))
        mixed = (round(alpha * part + (1 - alpha) * middle) for part in rgb)
        colors.append((place, f"rgb({', '.join(str(part) for part in mixed)})"))
    return colors


def _shade(light: Floats) -> Floats:
    """The grey that the ground gives to a lightness 0 … 255."""
    return 40 + 0.8 * light


def _ground(view: NDArray[np.uint8], shape: tuple[int, ...]) -> dict[str, Any]:
    """The view in grey below the cells, which cover it."""
    (h, w), (rows, columns) = view.shape[:2], shape
    grey = np.round(_shade(view.mean(2))).astype(np.uint8)
    png = style.png(grey, scale=max(1, LEAST_SIDE // max(h, w)))
    return {
        "source": "data:image/png;base64," + b64encode(png).decode(),
        "xref": "x",
        "yref": "y",
        "x": -0.5,
        "y": -0.5,
        "sizex": columns,
        "sizey": rows,
        "sizing": "stretch",
        "layer": "below",
    }


def strip_png(maps: Floats, *, signed: bool = True, scale: int = 4) -> bytes:
    """Thumbnails (n, H, W) side by side, each on its own scale, a gutter between them."""
    gap = np.full((maps.shape[1], 1), np.nan)
    parts: list[Floats] = []
    for values in maps:
        parts += [values / shared_limit([values]), gap]
    colors = color_scales.DIVERGING if signed else color_scales.SEQUENTIAL
    return style.palette_png(
        np.hstack(parts[:-1]), -1.0 if signed else 0.0, 1.0, colors=colors, scale=scale
    )
