"""A comparison as one html file: every row's figures, sentences and numbers, and their origin."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from plotly.offline import get_plotlyjs

from convmixer_viz.comparison import rows
from convmixer_viz.comparison.rows import Row
from convmixer_viz.export import files
from convmixer_viz.figures import comparison, representation
from convmixer_viz.figures.receptive_field import fields

Pairs = Iterable[tuple[str, Any]]  # words, and what they stand above
COLUMNS = 4  # at most
MAPS = {"evidence": lambda result: result.maps[-1], "attribution": lambda result: result.tokens}


def page(title: str, parts: Sequence[tuple[Row, Sequence[Any]]]) -> bytes:
    """One self-contained html file with a section a row and its results."""
    body = "".join(piece for row, results in parts for piece in _section(row, results))
    script = f"<script>{get_plotlyjs()}</script>"
    return files.PAGE.format(title=html.escape(title), figure=script + body, origin="").encode()


def against_first(row: Row, results: Sequence[Any]) -> Pairs:
    """Figures that hold every preset against the first: differences, CKA, fields."""
    first, *others = [result.provenance.preset for result in results]
    if row.name in MAPS:
        maps = [MAPS[row.name](result) for result in results]
        grids = rows.maps_on_common_grid(results, maps)
        minus = (f"{name} minus {first}" for name in others)
        return zip(minus, comparison.draw_differences(grids), strict=True)
    if row.name == "representation":
        alike = (representation.draw(results[0], other=each) for each in results)
        return zip((f"CKA of {first} with {name}" for name in (first, *others)), alike, strict=True)
    if row.name == "receptive-field":
        last = [result.blocks[-1] for result in results]
        return [("The last blocks' fields on one scale", fields.compare_fields(results, last))]
    return []


def _section(row: Row, results: Sequence[Any]) -> Iterator[str]:
    figures = row.figures(results)
    presets = [result.provenance.preset for result in results]
    names = presets if len(figures) == len(results) else [""] * len(figures)
    yield f"<h2>{html.escape(row.title)}</h2>"
    yield _beside(_drawn(zip(names, figures, strict=True)))
    yield _paragraph(rows.READING) if row.name in MAPS else ""
    yield _beside(_drawn(against_first(row, results)))
    yield _beside(_disagreements(results)) if row.name == "prediction" else ""
    yield files.html_table(row.numbers(results))
    yield _paragraph(row.sentence(results)) if row.sentence else ""
    origins = "".join(files.origin(result) for result in results)
    yield f"<details><summary>Where it comes from</summary>{origins}</details>"


def _drawn(pairs: Pairs) -> Pairs:
    return ((words, fig.to_html(full_html=False, include_plotlyjs=False)) for words, fig in pairs)


def _disagreements(results: Sequence[Any]) -> Pairs:
    """The pictures on which the presets differ most from the first."""
    first, *others = results
    for other in others if len(first.names) > 1 else ():
        for png, words in comparison.disagreements(first, other):
            data = base64.b64encode(png).decode()
            alt = html.escape(words)
            yield f"Differ most: {words}", f'<img src="data:image/png;base64,{data}" alt="{alt}">'


def _beside(pairs: Pairs) -> str:
    cells = [f"<div><b>{html.escape(words)}</b>{inner}</div>" for words, inner in pairs]
    columns = f"repeat({min(len(cells), COLUMNS) or 1}, 1fr)"  # known before the first is drawn
    return f'<div class=row style="grid-template-columns:{columns}">{"".join(cells)}</div>'


def _paragraph(words: str) -> str:
    return f"<p>{html.escape(words)}</p>"
