"""Kernels of several presets beside each other: aligned by relative depth, on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels.atlas import LEGEND_ABOVE, STATISTICS, block_kernels
from convmixer_viz.questions.kernels import KernelAtlas


def draw(results: Sequence[KernelAtlas], statistic: str = "effective_size_50") -> go.Figure:
    """A statistic's median and quartiles over relative depth, a colour a preset, one scale."""
    figure = go.Figure()
    for number, result in enumerate(results):
        figure.add_traces(_median_and_quartiles(result, statistic, number))
    figure.update_xaxes(title="relative depth: block / last block shown")
    title = f"{STATISTICS[statistic]}: median and middle half"
    return style.figure(figure, title, height=360).update_layout(legend=LEGEND_ABOVE, margin_t=80)


def _median_and_quartiles(result: KernelAtlas, statistic: str, number: int) -> list[go.Scatter]:
    """The line of a preset's medians, and the area between its quartiles."""
    low, middle, high = np.percentile(getattr(result, statistic), (25, 50, 75), axis=1)
    color = color_scales.CATEGORICAL[number % len(color_scales.CATEGORICAL)]
    x = relative_depths(result.blocks)
    median = go.Scatter(
        x=x,
        y=middle,
        name=style.preset_name(result, number),
        line_color=color,
        mode="lines+markers",
        customdata=result.blocks,
        hovertemplate="block %{customdata}: median %{y:.3g}",
    )
    quartiles = go.Scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        opacity=0.2,
        fillcolor=color,
        line_width=0,
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )
    return [median, quartiles]


def relative_depths(blocks: NDArray[np.int64]) -> list[float]:
    """Blocks as shares of the last one, so that presets of unlike depth line up."""
    return [float(block / blocks.max()) for block in blocks]


def aligned_blocks(results: Sequence[KernelAtlas], place: float) -> list[int]:
    """The block of each preset nearest to a relative depth, 0 … 1."""
    return [
        int(result.blocks[np.abs(result.blocks / result.blocks.max() - place).argmin()])
        for result in results
    ]


def shared_limit(results: Sequence[KernelAtlas], blocks: Sequence[int], form: str) -> float:
    """The largest |weight| of one block of each preset: one scale for all."""
    pairs = zip(results, blocks, strict=True)
    sizes = [np.abs(block_kernels(result, block, form)).max() for result, block in pairs]
    return float(max(sizes)) or 1.0
