"""One token's way in pictures and sentences: tiles of what is multiplied, sums in numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.sheet import Band, Sheet
from convmixer_viz.figures.style import Still
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.token import TokenSteps

Floats = NDArray[np.floating[Any]]
TILE = 120  # px of a tile's side, about


class Product(NamedTuple):
    """Two small pictures and what they make, multiplied place by place; each with its scale."""

    tiles: tuple[Still, Still, Still]
    width: int  # px of each


def draw(result: TokenSteps) -> go.Figure:
    """The value that is followed, step by step."""
    rows = result.rows()
    bars = go.Bar(
        x=[row["value"] for row in rows],
        y=[escape(row["step"], "plotly") for row in rows],
        orientation="h",
        text=[number(row["value"]) for row in rows],
        textposition="outside",
        cliponaxis=False,
        marker_color=color_scales.CATEGORICAL[0],
        hovertemplate="%{y}: %{x:.6f}<extra></extra>",
    )
    figure = style.figure(go.Figure(bars), height=56 + 34 * len(rows))
    figure.update_xaxes(title=f"channel {result.channel} of the token; evidence in logit")
    return figure.update_yaxes(autorange="reversed")


def still(result: TokenSteps) -> Still:
    """What the model saw, its token framed."""
    row, column = result.token
    return Still(style.png(_framed(result)), f"Token {row}, {column} of {result.picture}.")


def picker(result: TokenSteps) -> Sheet:
    """The picture as a sheet of tokens: a click picks the row and column of one."""
    rows, columns = result.grid
    p, cells = result.patch_size, [(r, c) for r in range(rows) for c in range(columns)]
    png = style.png(result.view, scale=max(1, 448 // result.view.shape[1]))
    texts = tuple(f"token {r}, {c}" for r, c in cells)
    band = Band(texts, png=png, tile=(p * columns, p * rows), across=columns, smooth=False)
    label = f"Tokens of the picture, {rows} rows of {columns}; arrow keys move the token"
    return Sheet("overlay", label, (band,), tuple(cells))


def patch_product(result: TokenSteps) -> Product:
    """Patch and filter, red, green and blue side by side, and their product."""
    patch, filter_ = _planes(result.patch), _planes(result.filter)
    return _product((patch, "red, green, blue of the patch"), (filter_, "filter"), 190)


def kernel_product(result: TokenSteps) -> Product:
    """Neighbourhood and kernel, and their product."""
    near = (result.neighbourhood, "neighbourhood")
    return _product(near, (result.kernel, "kernel"), 120)


def describe_patch(result: TokenSteps) -> str:
    """From the patch to the stem's value."""
    bias, total, activated, value = result.stem
    return (
        f"Σ patch × filter {number(total - bias)}, plus the bias {number(bias)}, is "
        f"{number(total)}; the activation makes {number(activated)} of it, batch norm "
        f"{number(value)}: channel {result.channel} of the token after the stem."
    )


def describe_kernel(result: TokenSteps) -> str:
    """From the neighbourhood to the depthwise sum."""
    bias, total, _, _ = result.spatial
    return (
        f"Σ neighbourhood × kernel {number(total - bias)}, plus the bias {number(bias)}, is "
        f"{number(total)}. Beyond the picture's edge stand zeros."
    )


def describe_activation(result: TokenSteps) -> str:
    """What the activation makes of the depthwise sum."""
    return f"{number(result.spatial[1])} becomes {number(result.spatial[2])}."


def describe_norm(result: TokenSteps) -> str:
    """Batch norm in full."""
    mean, variance, gain, shift = result.norm
    before, after = result.spatial[2:]
    return (
        f"({number(before)} − ({number(mean)})) / √{variance:.4f} × {number(gain)} + "
        f"({number(shift)}) = {number(after)}, with the mean and variance of training."
    )


def describe_residual(result: TokenSteps) -> str:
    """The block's input, added."""
    if result.residual is None:
        return f"This block adds no input: it stays {number(result.mixed)}."
    return (
        f"{number(result.spatial[3])} plus the block's input at this token, "
        f"{number(result.residual)}, is {number(result.mixed)}."
    )


def describe_pointwise(result: TokenSteps) -> str:
    """The sum over channels."""
    bias, total, activated, output = result.pointwise
    listed = float((result.weights * result.values).sum())
    return (
        f"These {len(result.inputs)} products sum to {number(listed)}, all others to "
        f"{number(result.rest)}, the bias is {number(bias)}: {number(total)}. The activation makes "
        f"{number(activated)} of it, batch norm {number(output)}: channel {result.channel} of the "
        f"token after block {result.block}."
    )


def describe_evidence(result: TokenSteps) -> str:
    """What the token says in the end."""
    count = result.grid[0] * result.grid[1]
    return (
        f"After the last block this token gives {result.target_name} {number(result.evidence)} of "
        f"its logit, {number(result.logit)}: Σ head weight × value over all channels, of which "
        f"those not listed make {number(result.head_rest)}, divided by the {count} tokens."
    )


def pointwise_table(result: TokenSteps) -> list[dict[str, float]]:
    """A line an input channel, the largest product first."""
    return _table(result.inputs, result.weights, result.values, 1)


def evidence_table(result: TokenSteps) -> list[dict[str, float]]:
    """A line a channel of the last block's token."""
    count = result.grid[0] * result.grid[1]
    return _table(result.says, result.head_weights, result.head_values, count)


def number(value: float) -> str:
    """A number to four decimals, a tiny one to two digits, with a true minus."""
    text = f"{value:.1e}" if 0 < abs(value) < 0.00005 else f"{value:.4f}"
    return text.replace("-", "−")


def _table(
    channels: NDArray[np.int64], weights: Floats, values: Floats, count: int
) -> list[dict[str, float]]:
    divided = "product" if count == 1 else f"product / {count}"
    rows = zip(channels.tolist(), weights.tolist(), values.tolist(), strict=True)
    return [{"channel": c, "weight": w, "value": v, divided: w * v / count} for c, w, v in rows]


def _planes(values: Floats) -> Floats:
    gap = np.full((values.shape[1], 1), np.nan)
    red, green, blue = values
    return np.hstack([red, gap, green, gap, blue])


def _product(left: tuple[Floats, str], right: tuple[Floats, str], width: int) -> Product:
    made = (left[0] * right[0], "product")
    return Product((_tile(*left), _tile(*right), _tile(*made)), width)


def _tile(values: Floats, name: str) -> Still:
    limit = float(np.nanmax(np.abs(values))) or 1.0
    png = style.palette_png(values, -limit, limit, scale=max(1, TILE // values.shape[0]))
    return Still(png, f"{name}, full colour ±{limit:.2g}")


def _framed(result: TokenSteps) -> style.Bytes:
    row, column = result.token
    p, view = result.patch_size, result.view.copy()
    view[p * row : p * (row + 1), p * column : p * (column + 1)] //= 2
    return view
