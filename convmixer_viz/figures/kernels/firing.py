"""The places where a kernel answers most: its windows, and where they lie in the pictures."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from convmixer_viz.figures import style
from convmixer_viz.figures.style import Still
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.firing import Firing

Bytes = NDArray[np.uint8]

RED = (213, 43, 30)  # of a window's edge


def draw(result: Firing) -> go.Figure:
    """A column a place, strongest first: the kernel's window, and below it the picture."""
    count = len(result.answers)
    titles = [
        f"{escape(name, 'plotly')}<br>{answer:.3g}"
        for name, answer in zip(result.pictures, result.answers, strict=True)
    ]
    figure = make_subplots(
        2, count, subplot_titles=titles, horizontal_spacing=0.01, vertical_spacing=0.04
    )
    for place in range(count):
        figure.add_trace(go.Image(z=result.patches[place], hoverinfo="skip"), 1, place + 1)
        figure.add_trace(go.Image(z=mark_window(result, place), hoverinfo="skip"), 2, place + 1)
    style.figure(figure, height=360).update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure.update_annotations(font_size=12).update_layout(margin_t=48)


def window_pngs(result: Firing) -> list[bytes]:
    """The windows as PNGs of about 96 px."""
    scale = max(1, 96 // result.patches.shape[1])
    return [style.png(patch, scale=scale) for patch in result.patches]


def captions(result: Firing) -> list[str]:
    """What stands under each window."""
    return [
        f"{name}: {answer:.3g}"
        for name, answer in zip(result.pictures, result.answers, strict=True)
    ]


def still(result: Firing) -> Still:
    """The windows, the strongest answer first."""
    scale = max(1, 96 // result.patches.shape[1])
    png = style.png(np.hstack(list(result.patches)), scale=scale)
    return Still(png, f"Windows and answers: {', '.join(captions(result))}.")


def mark_window(result: Firing, place: int) -> Bytes:
    """The picture of a place with the window's edge in red."""
    shown: Bytes = result.views[place].copy()
    height, width = shown.shape[:2]
    left, top, right, bottom = result.boxes[place]
    _edge(shown, (max(left, 0), max(top, 0), min(right, width) - 1, min(bottom, height) - 1))
    return shown


def _edge(pixels: Bytes, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    pixels[[top, bottom], left : right + 1] = RED
    pixels[top : bottom + 1, [left, right]] = RED
