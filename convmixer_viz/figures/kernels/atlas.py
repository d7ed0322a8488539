"""All kernels of a preset: one picture a block, its order, colours, texts and table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.kernels import thumbnails
from convmixer_viz.figures.sheet import Band, Sheet, mosaic
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.formation import Formation
from convmixer_viz.questions.kernels import STATISTICS as STATISTICS, KernelAtlas
from convmixer_viz.questions.structure import Structure

Floats = NDArray[np.floating[Any]]
Channels = Sequence[int] | NDArray[np.int64]

LIMITS = ("per kernel", "per block", "over all blocks")  # of the colours, symmetric about zero
FORMS = ("raw", "unit norm", "scaled by batch norm")
EVERY_CLASS = "all kernels"
PercentRange = tuple[float, float]  # of all blocks' kernels by a statistic, 0 … 100
WHOLE_RANGE: PercentRange = (0, 100)
SHORT_NAMES = {
    "Gaussian": "Gaussian",
    "difference of Gaussians": "DoG",
    "first derivative": "∂",
    "second derivative": "∂∂",
}
LEGEND_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # place of a legend
PNG_WIDTH = 1400  # px at most: the app shrinks wider pictures, which blurs them
LEVELS = 15  # shades on either side of zero in tiles_png: keeps 1,536 kernels of 9×9 under 200 kB


def statistic_names(statistics: Iterable[str] = STATISTICS) -> dict[str, str]:
    """As a link and a page name them: "mean parity" → "mean_parity"."""
    return {name.replace("_", " "): name for name in statistics}


def orders(result: KernelAtlas) -> dict[str, str]:
    """What a block's kernels can be sorted by, as a page names it."""
    return {name: name for name in ("channel", "class", "cluster")} | statistic_names(
        result.statistics
    )


def strip(result: KernelAtlas) -> Sheet:
    """A column a block with the kernels nearest to its cluster centres; a pick is a block."""
    pairs = zip(result.weights, result.representatives, strict=True)
    tiles = [mosaic(layer[chosen], across=4) for layer, chosen in pairs]
    limit = float(np.abs(result.weights).max()) or 1.0
    texts = tuple(f"Block {block}: kernels typical of it" for block in result.blocks)
    height, width = tiles[0].shape
    png = style.palette_png(np.hstack(tiles), -limit, limit)
    band = Band(texts, name="block", png=png, tile=(width, height), across=len(tiles))
    values = tuple((int(block),) for block in result.blocks)
    heads = tuple(str(block) for block in result.blocks)
    return Sheet("strip", "Blocks by their typical kernels", (band,), values, heads)


def draw(result: KernelAtlas, *, limits: str = "per kernel") -> go.Figure:
    """The kernels nearest to the cluster centres, two columns a block, the commonest on top."""
    pairs = zip(result.weights, result.representatives, strict=True)
    weights = np.stack([layer[chosen] for layer, chosen in pairs])
    tiles = weights / _limit(weights, limits)[..., None, None]
    picture = mosaic(np.stack([mosaic(block, across=2) for block in tiles]), len(tiles), gutter=3)
    owner = {"per kernel": "its kernel's", "per block": "its block's"}.get(limits, "the model's")
    heatmap = go.Heatmap(
        z=picture,
        colorscale=color_scales.DIVERGING,
        zmin=-1,
        zmax=1,
        hoverinfo="skip",
        colorbar=style.color_bar(f"weight / {owner} largest"),
    )
    figure = style.picture_axes(style.figure(go.Figure(heatmap), height=420))
    step = (picture.shape[1] + 3) / len(tiles)
    places = np.arange(len(tiles)) * step + (step - 4) / 2
    return figure.update_xaxes(
        visible=True, side="top", title="block", tickvals=places, ticktext=result.blocks
    )


def block_kernels(result: KernelAtlas, block: int, form: str = "raw") -> NDArray[np.float32]:
    """The kernels (dim, k, k) of a block: raw, of norm 1, or times |γ|/√(σ²+ε)."""
    index = block_index(result, block)
    weights: NDArray[np.float32] = result.weights[index]
    if form == "raw":
        return weights
    energy = result.energy[index]
    unit = 1 / np.sqrt(np.where(energy > 0, energy, 1))
    factor = result.norm_scale[index] if form == "scaled by batch norm" else unit
    return np.asarray(weights * factor[:, None, None], np.float32)


def block_index(result: KernelAtlas | Formation | Structure, block: int) -> int:
    """The index of a block along the result's axis of blocks."""
    return int(np.flatnonzero(result.blocks == block)[0])


def sorted_channels(
    result: KernelAtlas,
    block: int,
    by: str,
    only: str = EVERY_CLASS,
    *,
    within: PercentRange = WHOLE_RANGE,
) -> NDArray[np.int64]:
    """Channels of a block: largest statistic first, or by channel, class (best fit first) or
    cluster; `only` keeps one class, `within` a part of the statistic's range: see bounds."""
    index = block_index(result, block)
    channels: NDArray[np.int64] = np.lexsort(_sort_keys(result, index, by))
    kept = np.ones(len(channels), bool)
    if only != EVERY_CLASS:
        kept &= result.code[index] == result.class_names.index(only)
    if by in result.statistics and within != WHOLE_RANGE:
        low, high = bounds(result, by, within)
        values = getattr(result, by)[index]
        kept &= (low <= values) & (values <= high)
    return np.compress(kept[channels], channels)


def _sort_keys(result: KernelAtlas, index: int, by: str) -> tuple[NDArray[Any], ...]:
    """What lexsort sorts a block's channels by, the last key first."""
    if by == "channel":
        return (np.arange(result.weights.shape[1]),)
    if by == "class":
        return (-result.r2[index], result.code[index])
    if by == "cluster":
        return (result.cluster[index],)
    return (-getattr(result, by)[index],)


def bounds(result: KernelAtlas, by: str, within: PercentRange) -> tuple[float, float]:
    """The values of a statistic between which that part of all blocks' kernels lies."""
    low, high = np.percentile(getattr(result, by), within)
    return float(low), float(high)


def class_counts(result: KernelAtlas, block: int) -> dict[str, int]:
    """How many kernels of a block each class has, where it has any."""
    counts = np.bincount(result.code[block_index(result, block)], minlength=len(result.class_names))
    return {
        name: int(count) for name, count in zip(result.class_names, counts, strict=True) if count
    }


def describe_sizes(result: KernelAtlas) -> str:
    """Which block's kernels are the largest, dead ones left out."""
    sizes = np.array(
        [
            size[~dead].mean() if (~dead).any() else size.mean()
            for size, dead in zip(result.effective_size_50, result.dead, strict=True)
        ]
    )
    most, least = int(sizes.argmax()), int(sizes.argmin())
    return (
        f"The largest kernels are those of block {result.blocks[most]}: on average half of the "
        f"energy in the middle {sizes[most]:.2f} tokens a side of {result.weights.shape[-1]}; the "
        f"smallest those of block {result.blocks[least]}, {sizes[least]:.2f}."
    )


def color_limit(result: KernelAtlas, block: int, limits: str, form: str = "raw") -> float | None:
    """The largest |weight| that the colours reach; none where each kernel has its own."""
    if limits == "per kernel":
        return None
    blocks = result.blocks if limits == "over all blocks" else [block]
    return max(float(np.abs(block_kernels(result, int(b), form)).max()) for b in blocks) or 1.0


def tiles_png(tiles: Floats, limit: float | None, across: int = 64) -> bytes:
    """Kernels (n, k, k) side by side as a small PNG with transparent gutters of one pixel; the
    colours reach from -limit to limit, or each kernel's own largest weight."""
    own = np.abs(tiles).max((1, 2), keepdims=True)
    scale = np.where(own > 0, own, 1) if limit is None else np.full_like(own, limit)
    shades = np.round(np.clip(tiles / scale, -1, 1) * LEVELS) / LEVELS
    return style.palette_png(mosaic(shades, across), -1, 1)


def cell_texts(result: KernelAtlas, block: int, channels: Channels) -> tuple[str, ...]:
    """A text for each channel: number, class, R², size, parity."""
    index = block_index(result, block)
    return tuple(_cell_text(result, index, int(channel)) for channel in channels)


def _cell_text(result: KernelAtlas, index: int, channel: int) -> str:
    name = result.class_names[result.code[index, channel]]
    angle = result.angle[index, channel]
    has_angle = name in SHORT_NAMES and angle >= 0
    label = SHORT_NAMES.get(name, name)
    label += f" {angle:.0f}°" if has_angle else ""
    return (
        f"{channel}: {label}, R² {result.r2[index, channel]:.2f}, "
        f"size {result.effective_size_90[index, channel]:.0f}, "
        f"parity {result.parity[index, channel]:.2f}"
    )


def grid(
    result: KernelAtlas, block: int, channels: Channels, *, limit: float | None, form: str
) -> Sheet:
    """A block's kernels as the page's clickable picture; a pick is a channel."""
    tiles = block_kernels(result, block, form)[np.asarray(channels, np.int64)]
    k = tiles.shape[-1]
    band = Band(
        cell_texts(result, block, channels),
        "No kernel of this class",
        png=tiles_png(tiles, limit) if len(tiles) else b"",
        tile=(k, k),
        gutter=1,
        across=64,
    )
    label = f"{len(tiles)} kernels of {k}×{k}, block {block}; arrow keys move"
    return Sheet("grid", label, (band,), tuple((int(channel),) for channel in channels))


def block_png(
    result: KernelAtlas,
    block: int,
    *,
    limit: float | None = None,
    form: str = "raw",
    across: int = 32,
) -> bytes:
    """A block's kernels in the order of their channels as a PNG to keep, up to 1,400 px wide; the
    colours reach to `limit`, none is each kernel's own largest weight."""
    tiles = block_kernels(result, block, form)
    own = np.abs(tiles).max((1, 2), keepdims=True) if limit is None else np.full(1, limit)
    across = min(len(tiles), across)
    scale = max(1, PNG_WIDTH // (across * (tiles.shape[-1] + 1)))
    picture = mosaic(tiles / np.where(own == 0, 1, own), across)
    return style.palette_png(picture, -1, 1, scale=scale)


def still(result: KernelAtlas) -> Still:
    """The kernels of the first block that was measured."""
    block = int(result.blocks[0])
    caption = f"Kernels of block {block}, each on its own scale about zero: red is positive."
    return Still(block_png(result, block), caption)


def files(result: KernelAtlas) -> dict[str, bytes]:
    """PNGs by file name for a folder of saved results: one a block."""
    return {f"kernels-block-{block}.png": block_png(result, int(block)) for block in result.blocks}


def table(result: KernelAtlas, block: int) -> list[dict[str, Any]]:
    """A row a kernel with its picture as a data URL, for a sortable table."""
    index = block_index(result, block)
    rows = zip(thumbnails.data_urls(result.weights[index]), result.block_rows(index), strict=True)
    return [{"kernel": image} | row for image, row in rows]


def _limit(weights: Floats, limits: str) -> Floats:
    """(blocks, n) limits of the colours of (blocks, n, k, k) kernels, none of them zero."""
    largest = np.abs(weights).max((2, 3))
    if limits == "per block":
        largest = np.broadcast_to(largest.max(1, keepdims=True), largest.shape)
    elif limits == "over all blocks":
        largest = np.full_like(largest, largest.max())
    return np.where(largest > 0, largest, 1)
