"""Linear CKA between the blocks of one model, or of two, as a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import color_scales, style
from convmixer_viz.figures.style import Still
from convmixer_viz.questions.representation import Representation


def draw(result: Representation, *, other: Representation | None = None) -> go.Figure:
    """CKA of every block of `other` (default: the same model) across, against every block down;
    with fewer than 4 pictures the figure says what is missing."""
    across = other or result
    if len(result.names) < agreement.FEWEST_PICTURES:
        return _empty(
            f"CKA needs {agreement.FEWEST_PICTURES} pictures or more, not {len(result.names)}."
        )
    heat = go.Heatmap(
        z=_values(_cka(result, across)),
        x=_labels(across),
        y=_labels(result),
        zmin=0,
        zmax=1,
        colorscale=color_scales.SEQUENTIAL,
        colorbar=style.color_bar("linear CKA, unbiased"),
        hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        hoverongaps=False,
    )
    figure = style.figure(go.Figure(heat), height=420)
    figure.update_xaxes(title=style.preset_name(across), constrain="domain")
    return figure.update_yaxes(
        title=style.preset_name(result), autorange="reversed", scaleanchor="x", constrain="domain"
    )


def still(result: Representation) -> Still | None:
    """CKA of every block with every other; none for too few pictures."""
    if len(result.names) < agreement.FEWEST_PICTURES:
        return None
    values = _values(_cka(result, result))
    png = style.palette_png(values, 0, 1, colors=color_scales.SEQUENTIAL, scale=24)
    return Still(png, f"Linear CKA, block by block, from 0 (dark) to 1. {describe(result)}")


def describe(result: Representation, other: Representation | None = None) -> str:
    """The last blocks' CKA, how far chance alone scatters it, and which blocks have none."""
    across = other or result
    if len(result.names) < agreement.FEWEST_PICTURES:
        return f"CKA needs {agreement.FEWEST_PICTURES} pictures or more, not {len(result.names)}."
    cka = _cka(result, across)
    last = "no CKA" if cka.last is None else f"CKA {cka.last:.2f}"
    notes = [
        f"Last blocks: {last} over {len(result.names)} pictures; that of unrelated features "
        f"scatters about 0 with a standard deviation of {cka.spread:.2f}.",
        _told("Constant over these pictures", cka.constant, (result, across)),
        _told("Not constant, but without a CKA", cka.undefined, (result, across)),
    ]
    return " ".join(filter(None, notes))


def _told(
    what: str,
    rows: tuple[tuple[int, ...], tuple[int, ...]],
    results: tuple[Representation, Representation],
) -> str:
    """The blocks of one result and of the other that this is true of; empty for none."""
    first, other = results
    names = [f"block {first.blocks[row]}" for row in rows[0]]
    if other is not first:
        names += [f"block {other.blocks[row]} of the other" for row in rows[1]]
    return f"{what}: {', '.join(names)}." if names else ""


def _cka(result: Representation, across: Representation) -> agreement.Cka:
    if result.images != across.images:
        raise ChoiceError("CKA compares answers to the same pictures: these saw different ones.")
    return agreement.cka(result.gram, across.gram)


def _values(cka: agreement.Cka) -> NDArray[np.float64]:
    """Not a number where a block has no CKA."""
    values = cka.values.copy()
    down, along = cka.missing
    values[down], values[:, along] = np.nan, np.nan
    return values


def _labels(result: Representation) -> list[str]:
    return ["stem" if block == 0 else f"block {block}" for block in result.blocks]


def _empty(text: str) -> go.Figure:
    figure = style.figure(go.Figure(), height=160)
    note: dict[str, Any] = {"text": text, "showarrow": False, "x": 0.5, "y": 0.5}
    return figure.add_annotation(xref="paper", yref="paper", **note)
