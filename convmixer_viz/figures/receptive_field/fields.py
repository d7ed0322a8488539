"""Receptive fields: growth with depth and its baselines, one field large, several beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, overlays, style
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.receptive_field import ReceptiveField

Floats = NDArray[np.floating[Any]]
Curve = tuple[str, Floats, str]  # name, σ by block in px, dash of the line

GAMMA = 0.5  # root of the field: what is weak is still seen
BAR_BELOW = {  # place of a colour bar
    "orientation": "h",
    "x": 0.2,
    "y": -0.08,
    "yanchor": "top",
    "len": 0.4,
    "thickness": 10,
    "tickformat": ".2~g",
    "title": {"text": "share of the maximum", "side": "bottom"},
}
SHARES = ("20 %", "30 %", "50 %", "99 %")  # of the mass, the columns of `ratio`
LEGEND_WITHIN = {"x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}  # place of a legend
STYLES = {  # dashes of the baselines
    "weights alone": "dot",
    "null model": "dashdot",
    "flat over the theoretical field": "longdashdot",
}


def draw(result: ReceptiveField, *, twin: ReceptiveField | None = None) -> go.Figure:
    """σ by block in px: measured, untrained, null model, weights alone, theoretical bound."""
    return compare_growth((result,), twins=(twin,))


def still(result: ReceptiveField) -> Still:
    """Every block's field by token."""
    sizes = ", ".join(f"{sigma:.1f}" for sigma in result.sigma)
    png = overlays.strip_png(result.tokens, signed=False)
    caption = f"A field a block, each on its own scale from 0 (dark); σ {sizes} px."
    return Still(png, caption)


def compare_growth(
    results: Sequence[ReceptiveField], *, twins: Sequence[ReceptiveField | None] = ()
) -> go.Figure:
    """The same for several presets on one scale in px: a colour a preset, or a curve if alone;
    the theoretical bound, far above the others, is drawn for one alone. Bars: one standard
    deviation over the pictures."""
    twins = (*twins, *[None] * (len(results) - len(twins)))
    figure = go.Figure()
    if len(results) == 1:
        figure.add_traces(_growth(results[0], _curves(results[0], twins[0])))
    else:
        for number, (result, twin) in enumerate(zip(results, twins, strict=True)):
            figure.add_traces(_growth_among_others(result, twin, number))
        figure.add_traces(_legend_of_styles())
    figure.update_xaxes(title="block", dtick=1 if results[0].blocks[-1] <= 12 else 4)
    figure.update_yaxes(title="σ in px, square reduction", rangemode="tozero")
    return style.figure(figure, height=420).update_layout(hovermode="x unified")


def _growth(result: ReceptiveField, curves: Sequence[Curve]) -> list[go.Scatter]:
    """A line a curve, with error bars on the measured one, in a colour each."""
    return [
        go.Scatter(
            x=result.blocks,
            y=values,
            name=name,
            mode="lines+markers",
            line={"dash": dash, "color": color, "width": 3 if dash == "solid" else 1.5},
            marker_size=7 if dash == "solid" else 4,
            error_y={"array": result.sigma_spread, "thickness": 1, "visible": name == "measured"},
            legendgroup="",
            hovertemplate="block %{x}: %{y:.2f} px",
            showlegend=True,
        )
        for (name, values, dash), color in zip(curves, color_scales.CATEGORICAL, strict=False)
    ]


def _growth_among_others(
    result: ReceptiveField, twin: ReceptiveField | None, number: int
) -> list[go.Scatter]:
    """One preset's lines without the theoretical bound, all in the preset's colour."""
    preset = style.preset_name(result, number)
    lines = _growth(result, _curves(result, twin)[:-1])
    for line in lines:
        line.update(
            name=f"{preset} {line.name}",
            line_color=color_scales.CATEGORICAL[number],
            legendgroup=preset,
            showlegend=line.name not in STYLES,
        )
    return lines


def _legend_of_styles() -> list[go.Scatter]:
    """Lines without points: a legend of the dashes that all presets share."""
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=name,
            hoverinfo="skip",
            line={"dash": dash, "color": style.INK, "width": 1.5},
        )
        for name, dash in tuple(STYLES.items())[:-1]
    ]


def draw_field(result: ReceptiveField, block: int) -> go.Figure:
    """One field in pixels with ellipses of one and two σ, beside its profile along the row."""
    row = result.blocks.index(block)
    down, right = result.centre
    reach = _reach([result], [result.blocks[-1]])
    figure = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.2)
    bar = style.color_bar("share of the maximum") | BAR_BELOW
    figure.add_trace(_heatmap(result.pixels[row], (0, 0), colorbar=bar), 1, 1)
    for size in (1, 2):
        figure.add_trace(_ellipse(result, row, size), 1, 1)
    for trace in _profiles(result, row):
        figure.add_trace(trace, 1, 2)
    style.figure(figure, height=420).update_layout(margin_t=8, legend=LEGEND_WITHIN)
    window = {"constrain": "domain", "row": 1, "col": 1}
    figure.update_xaxes(range=[right - reach, right + reach], **window)
    figure.update_yaxes(range=[down + reach, down - reach], scaleanchor="x", **window, title="px")
    figure.update_xaxes(title="px from the token's centre", row=1, col=2)
    return figure.update_yaxes(
        title="share of the mass, by token column", rangemode="tozero", col=2
    )


def _heatmap(field: Floats, centre: tuple[float, float], **options: Any) -> go.Heatmap:
    """A field (h, w) as shares of its maximum, in px down and right of `centre`."""
    down, right = centre
    return go.Heatmap(
        z=field / (field.max() or 1),
        zmin=0,
        zmax=1,
        colorscale=_rooted(),
        x0=0.5 - right,
        y0=0.5 - down,
        hovertemplate="%{x:.0f}, %{y:.0f} px: %{z:.3g}<extra></extra>",
        **options,
    )


def _reach(results: Sequence[ReceptiveField], blocks: Sequence[int]) -> float:
    """Half a side in px of a window that holds the widest of these fields to three σ."""
    widest = max(r.sigma[r.blocks.index(b)] for r, b in zip(results, blocks, strict=True))
    most = max(max(result.pixels.shape[1:]) for result in results) / 2
    least = 2 * max(result.patch_size for result in results)
    return float(min(most, max(3 * widest, least)))


def _curves(result: ReceptiveField, twin: ReceptiveField | None) -> list[Curve]:
    """σ by block as measured, untrained if there is a twin, then by the baselines of STYLES."""
    window = np.array(result.pixels.shape[1:])
    sides = np.minimum(result.theoretical[:, None], window)
    uniform = np.sqrt((sides**2).mean(1) / 12)  # of a flat field as large as can be
    untrained = [] if twin is None else [("untrained", twin.sigma_square, "dash")]
    return [
        ("measured", result.sigma_square, "solid"),
        *untrained,
        *zip(STYLES, (result.weights_only, result.null, uniform), STYLES.values(), strict=True),
    ]


def compare_fields(results: Sequence[ReceptiveField], blocks: Sequence[int]) -> go.Figure:
    """One field a preset, side by side on one scale in px about the token, each to its maximum."""
    reach = _reach(results, blocks)
    titles = [
        f"{style.preset_name(result, number)}, {'block ' + str(block) if block else 'stem'}"
        for number, (result, block) in enumerate(zip(results, blocks, strict=True))
    ]
    figure = make_subplots(1, len(results), subplot_titles=titles, horizontal_spacing=0.03)
    for column, (result, block) in enumerate(zip(results, blocks, strict=True), 1):
        field, last = result.pixels[result.blocks.index(block)], column == len(results)
        bar = style.color_bar("share of the maximum")
        heat = _heatmap(field, result.centre, showscale=last, colorbar=bar)
        figure.add_trace(heat, 1, column)
        axis = "x" if column == 1 else f"x{column}"
        figure.update_yaxes(scaleanchor=axis, constrain="domain", row=1, col=column)
    figure.update_xaxes(range=[-reach, reach], title="px from the token", constrain="domain")
    figure.update_yaxes(range=[reach, -reach], showticklabels=False)
    return style.figure(figure, height=380).update_annotations(font_size=13)


def table(result: ReceptiveField) -> list[dict[str, Any]]:
    """A row a block: sizes in px, ratios in per cent of the picture."""
    rows = []
    for row, block in enumerate(result.blocks):
        ratios = zip(SHARES, result.ratio[row], result.ratio_log[row], strict=True)
        rows.append(
            {
                "block": block,
                "σ px": result.sigma[row],
                "σ fit px": result.sigma_fit[row],
                "R²": result.fit_r2[row],
                "σ of squares px": result.sigma_square[row],
                "± over pictures": result.sigma_spread[row],
                "50 % within px": result.radius[row, 0],
                "90 % within px": result.radius[row, 1],
                "theoretical px": result.theoretical[row],
                "of it used": result.share[row],
                "at the edge": result.border[row],
            }
            | {f"r({share})": 100 * linear for share, linear, _ in ratios}
            | {"r log(50 %)": 100 * result.ratio_log[row, 2], "its scale": result.scale[row]}
        )
    return [{key: round(float(value), 4) for key, value in row.items()} for row in rows]


def _profiles(result: ReceptiveField, row: int) -> list[go.Scatter]:
    """Mass of the token rows along x, measured and of the round Gaussian that fits best."""
    profile = result.tokens[row].sum(0) / (result.tokens[row].sum() or 1)
    x = (np.arange(len(profile)) + 0.5) * result.patch_size - result.centre[1]
    color, sigma = color_scales.CATEGORICAL[0], result.sigma_fit[row]
    measured = go.Bar(x=x, y=profile, marker_color=color, name="measured", showlegend=False)
    if sigma == 0:
        return [measured]
    bell = np.exp(-(x**2) / (2 * sigma**2))
    label = f"Gaussian of σ {sigma:.1f} px, R² {result.fit_r2[row]:.2f}"
    curve = go.Scatter(
        x=x,
        y=bell / bell.sum(),
        name=label,
        line={"color": color_scales.CATEGORICAL[1], "width": 2},
    )
    return [measured, curve]


def _ellipse(result: ReceptiveField, row: int, size: float) -> go.Scatter:
    """The ellipse of `size` standard deviations about the token, in px."""
    angles = np.linspace(0, 2 * np.pi, 73)
    values, vectors = np.linalg.eigh(result.moments[row])
    root = vectors * np.sqrt(np.maximum(values, 0))
    down, across = size * root @ np.stack([np.cos(angles), np.sin(angles)])
    return go.Scatter(
        x=result.centre[1] + across,
        y=result.centre[0] + down,
        mode="lines",
        name=f"{size} σ",
        showlegend=False,
        line={"color": "white", "width": 1.5, "dash": "dot"},
    )


def _rooted() -> list[tuple[float, str]]:
    """The sequential scale by the root of the value; hover tells the value itself."""
    return [(place ** (1 / GAMMA), color) for place, color in color_scales.SEQUENTIAL]
