"""Which kernels matter, block by block; and how far their single effects are from adding up."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.importance import Importance

LEFT = 0.68  # of what the two take
GAP = 0.2  # between the two, of the figure's width: the colour bar stands there
WIDTH = 0.84  # of a block's kernels along the axis of blocks
STILL_WIDTH = 1024  # px


def draw(result: Importance) -> go.Figure:
    """Left: each block's kernels from the least to the most important. Right: each random tenth
    of the kernels off at once, against the sum of its kernels' single effects."""
    titles = ("each kernel off alone", "a random tenth off at once")
    widths = [0.68, 0.32]
    figure = make_subplots(
        1, 2, column_widths=widths, horizontal_spacing=GAP, subplot_titles=titles
    )
    figure.add_trace(_kernels(result), 1, 1)
    figure.add_traces(_tenths(result), 1, 2)
    style.figure(figure, height=420).update_layout(showlegend=False)
    figure.update_xaxes(title="block, its kernels by importance", tickvals=result.blocks, col=1)
    figure.update_yaxes(title="divergence (bits)", rangemode="tozero", col=1)
    figure.update_xaxes(title="sum of the single effects (bits)", rangemode="tozero", col=2)
    return figure.update_yaxes(title="at once (bits)", rangemode="tozero", col=2)


def _kernels(result: Importance) -> go.Scattergl:
    rank = result.divergence.argsort(1).argsort(1)
    place = (rank / max(1, rank.shape[1] - 1) - 0.5) * WIDTH + result.blocks[:, None]
    channels = np.broadcast_to(np.arange(rank.shape[1]), rank.shape)
    shown = (channels, result.divergence_error, result.logit_change, result.logit_error)
    limit = float(np.abs(result.logit_change).max()) or 1.0
    return go.Scattergl(
        x=place.ravel(),
        y=result.divergence.ravel(),
        mode="markers",
        marker={
            "size": 4,
            "color": result.logit_change.ravel(),
            "colorscale": color_scales.DIVERGING,
            "cmin": -limit,
            "cmax": limit,
            "line": {"width": 0.5, "color": style.INK},
            "colorbar": style.color_bar("change of the logit") | {"x": LEFT * (1 - GAP)},
        },
        customdata=np.stack([each.ravel() for each in shown], 1),
        hovertemplate="block %{x:.0f}, kernel %{customdata[0]}: %{y:.3g} ± %{customdata[1]:.2g} "
        "bits, logit %{customdata[2]:+.3g} ± %{customdata[3]:.2g}<extra></extra>",
    )


def _tenths(result: Importance) -> list[go.Scatter]:
    at_once, sums = result.tenth_divergence
    errors = np.nan_to_num(result.tenth_divergence_error)
    end = float(max(at_once.max(), sums.max()))
    diagonal = go.Scatter(
        x=[0, end],
        y=[0, end],
        mode="lines",
        line={"dash": "dash", "color": style.INK},
        hovertemplate="here they would add up<extra></extra>",
    )
    points = go.Scatter(
        x=sums,
        y=at_once,
        error_x={"array": errors[1]},
        error_y={"array": errors[0]},
        mode="markers",
        hovertemplate="at once %{y:.3g} bits, one by one %{x:.3g}<extra></extra>",
    )
    return [diagonal, points]


def still(result: Importance) -> Still:
    """A row a block, its kernels from the most to the least important."""
    ordered = -np.sort(-result.divergence, axis=1)
    most = float(ordered.max()) or 1.0
    scale = max(1, STILL_WIDTH // ordered.shape[1])
    wide = ordered.repeat(max(1, 16 // scale), axis=0)
    png = style.palette_png(wide, 0, most, colors=color_scales.SEQUENTIAL, scale=scale)
    blocks = f"blocks {result.blocks[0]} to {result.blocks[-1]} from top to bottom"
    caption = f"Divergence from 0 (dark) to {most:.2g} bits, {blocks}. {describe(result)}"
    return Still(png, caption)


def describe(result: Importance) -> str:
    """What was measured over how many pictures, which kernel matters most, and how far the single
    effects are from adding up."""
    index, channel = np.unravel_index(result.divergence.argmax(), result.divergence.shape)
    most = _number(result.divergence[index, channel], result.divergence_error[index, channel])
    logit = "each picture's first class's logit"
    if result.target_name is not None:
        logit = f"{result.target_name}'s logit"
    plural = "s" * (result.pictures > 1)
    return (
        f"Each kernel's branch off alone, {result.pictures} picture{plural}: Jensen–Shannon "
        f"divergence from the unchanged prediction, and the change of {logit}, means ± standard "
        f"errors. The most important is kernel {channel} of block {result.blocks[index]}, {most} "
        f"bits. {describe_sums(result)}"
    )


def describe_sums(result: Importance) -> str:
    """A random tenth of the kernels off at once, against the sum of their single effects."""
    bits, logits = result.tenth_divergence.mean(1), result.tenth_logit_change.mean(1)
    times = f", {bits[0] / bits[1]:.2g} times the sum" if bits[1] > 0 else ""
    return (
        "Do single effects add up? A random tenth of these kernels off at once gives "
        f"{_range(result.tenth_divergence[0])} bits (mean {bits[0]:.3g}{times}), the sum of their "
        f"single effects is {_range(result.tenth_divergence[1])} ({bits[1]:.3g}); the logit "
        f"changes by {logits[0]:+.3g}, the sum is {logits[1]:+.3g} (means over ten tenths)."
    )


def _number(value: float, error: float) -> str:
    return f"{value:.3g}" if np.isnan(error) else f"{value:.3g} ± {error:.2g}"


def _range(values: NDArray[np.float32]) -> str:
    return f"{values.min():.3g} to {values.max():.3g}"
