"""A preset drawn with its real shapes: one slab a tensor, one arrow an operation."""

from __future__ import annotations

import math
from typing import NamedTuple

import plotly.graph_objects as go

from convmixer_viz.figures import color_scales, style
from convmixer_viz.presets.table import ACTIVATION_NAMES, Preset

HEIGHT = 320  # px
SMALL = 132  # px: names and operations in one line each
BOTTOM = {False: -2.35, True: -4.3}  # of the block's frame, by whether the drawing is small
GAP = 2.3  # between slabs: place for an arrow and its label
FRAME = 0.6  # more, where the block's frame passes, so that it crosses no label
FRAMED = ("mixed in space", "pooled")  # what stands behind its edges
SOLID, OPEN = color_scales.CATEGORICAL[0], color_scales.CATEGORICAL[1]


class Slab(NamedTuple):
    """One tensor: what it is, its shape, its sides in the drawing, what leads to it."""

    name: str
    shape: tuple[int, ...]
    width: float  # by its channels
    height: float  # by its side in pixels or tokens
    arrow: str  # the operation before it


def slabs(preset: Preset, side: int | None = None) -> tuple[Slab, ...]:
    """The tensors of one picture's way through the model, in order."""
    side = preset.transform.size if side is None else side
    s, classes = preset.shape, preset.class_count
    grid, act = s.grid(side), ACTIVATION_NAMES[s.activation]
    k, p, d = s.kernel_size, s.patch_size, s.dim
    rows = (
        ("picture", (3, side, side), ""),
        ("tokens", (d, grid, grid), f"{p}×{p} convolution,<br>stride {p}<br>{act}, batch norm"),
        ("mixed in space", (d, grid, grid), f"{k}×{k} depthwise<br>{act}, batch norm"),
        ("mixed in channels", (d, grid, grid), f"1×1 convolution<br>{act}, batch norm"),
        ("pooled", (d,), "mean<br>over the grid"),
        ("logits", (classes,), "linear"),
    )
    return tuple(Slab(name, shape, *_sides(shape), arrow) for name, shape, arrow in rows)


def draw(preset: Preset, *, side: int | None = None, height: int = HEIGHT) -> go.Figure:
    """The drawing; widths go with the logarithm of channels, heights with that of sides."""
    fig, at = go.Figure(), 0.0
    lefts = []
    small = height <= SMALL
    for slab in slabs(preset, side):
        at += GAP if slab.arrow else 0
        at += FRAME if slab.name in FRAMED else 0
        lefts.append(at)
        _draw_slab(fig, slab, at, small=small)
        at += slab.width
    sides = (lefts[2] - GAP, lefts[3] + slabs(preset, side)[3].width)
    _frame_block(fig, preset, sides, small=small)
    if any(preset.shape.residuals):
        first, mixed = slabs(preset, side)[1:3]
        _skip(fig, lefts[1] + first.width / 2, lefts[2] + mixed.width / 2, first.height / 2)
    fig.update_xaxes(visible=False, range=[-1.0 if small else -0.5, at + 0.5])
    fig.update_yaxes(visible=False, range=[BOTTOM[small] - 0.15, 3.0])
    style.figure(fig, height=height)
    return fig.update_layout(margin={"t": 2, "b": 0}) if small else fig


def describe(preset: Preset, side: int | None = None) -> str:
    """The tensors' shapes, the number of blocks and the residual, in a sentence."""
    sizes = (f"{slab.name} {_times(slab.shape)}" for slab in slabs(preset, side))
    skip = preset.shape.without_residual or "with a residual"
    return f"{', '.join(sizes)}; {preset.shape.depth} blocks, {skip} in space"


def _sides(shape: tuple[int, ...]) -> tuple[float, float]:
    width = 0.12 * math.log2(1 + shape[0])
    return width, 0.42 * math.log2(1 + shape[1]) if len(shape) > 1 else 0.25


def _draw_slab(fig: go.Figure, slab: Slab, left: float, *, small: bool) -> None:
    box = {"x0": left, "x1": left + slab.width, "y0": -slab.height / 2, "y1": slab.height / 2}
    fig.add_shape(type="rect", **box, fillcolor=SOLID, opacity=0.85, line={"width": 0})
    middle = left + slab.width / 2
    name = slab.name if small else slab.name.replace(" in ", " in<br>")
    label = f"{name}<br><b>{_times(slab.shape)}</b>"
    _write(fig, label, (middle, -slab.height / 2 - 0.12), "top")
    if slab.arrow:
        start = left - GAP + 0.15
        fig.add_annotation(
            x=left - 0.08,
            y=0,
            ax=start,
            ay=0,
            axref="x",
            ayref="y",
            arrowwidth=1.5,
            arrowhead=2,
            arrowcolor=style.INK,
            text="",
        )
        operation = slab.arrow.split("<br>")[0].rstrip(",") if small else slab.arrow
        _write(fig, operation, (left - GAP / 2, 0.1), "bottom")


def _frame_block(
    fig: go.Figure, preset: Preset, sides: tuple[float, float], *, small: bool
) -> None:
    (left, right), bottom = sides, BOTTOM[small]
    box = {"x0": left - 0.05, "x1": right + 0.9, "y0": bottom, "y1": 2.6}
    fig.add_shape(type="rect", **box, line={"color": style.INK, "width": 1, "dash": "dot"})
    place = ((left + right) / 2, bottom if small else 2.6)
    _write(fig, f"<b>block, {preset.shape.depth} times</b>", place, "bottom")


def _skip(fig: go.Figure, start: float, end: float, height: float) -> None:
    top = height + 0.9
    path = f"M {start} {height} C {start} {top}, {end} {top}, {end} {height}"
    fig.add_shape(type="path", path=path, line={"color": OPEN, "width": 2})
    _write(fig, "+ (residual)", ((start + end) / 2, height + 0.7), "bottom")


def _write(fig: go.Figure, text: str, at: tuple[float, float], anchor: str) -> None:
    x, y = at
    fig.add_annotation(x=x, y=y, text=text, showarrow=False, yanchor=anchor, font={"size": 13})


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
