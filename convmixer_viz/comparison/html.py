"""A comparison as one html file: every row's figures, sentences and numbers, and their origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convmixer_viz.comparison.rows import Row
from convmixer_viz.contract import Result
from convmixer_viz.export import html
from convmixer_viz.figures.style import preset_name
from convmixer_viz.presets.table import MOST_SIDE_BY_SIDE

Section = tuple[Row[Any], Sequence[Result]]


def page(title: str, sections: Sequence[Section], missing: Sequence[str] = ()) -> bytes:
    """One self-contained html file with a section a row and its results; `missing` says which
    rows aren't there."""
    shown = [_section(*section) for section in sections]
    pairs = [pair for each in shown for pair in (*each["figures"], *each["against_first"])]
    return html.render(
        "comparison",
        title=title,
        plotly=html.plotly_script(figure for _, figure in pairs),
        sections=shown,
        missing=missing,
        most_columns=MOST_SIDE_BY_SIDE,
    ).encode()


def _section(row: Row[Any], results: Sequence[Result]) -> dict[str, Any]:
    """What the template shows of a row."""
    figures = row.figures(results)
    presets = [preset_name(result) for result in results]
    heads = presets if len(figures) == len(results) else [""] * len(figures)
    return {
        "title": row.title,
        "figures": list(zip(heads, figures, strict=True)),
        "reading": row.reading,
        "against_first": [pair for pair in row.against_first(results) if pair[1]],
        "pictures": [
            (f"{gallery.label}: {caption}", png, caption)
            for gallery in row.galleries(results)
            for png, caption in gallery.pictures
        ],
        "numbers": row.numbers(results),
        "sentence": row.sentence(results),
        "results": results,
    }
