"""A comparison as one html file: every row's figures, sentences and numbers, and their origin."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from convmixer_viz.comparison.numbers import preset_of
from convmixer_viz.comparison.rows import Row
from convmixer_viz.contract import Result
from convmixer_viz.export import files

Section = tuple[Row[Any], Sequence[Result]]
MOST_COLUMNS = 4


def page(title: str, sections: Sequence[Section]) -> bytes:
    """One self-contained html file with a section a row and its results."""
    body = "".join(piece for section in sections for piece in _section(*section))
    script = f"<script>{get_plotlyjs()}</script>"
    return files.PAGE.format(title=html.escape(title), figure=script + body, origin="").encode()


def _section(row: Row[Any], results: Sequence[Result]) -> Iterator[str]:
    figures = row.figures(results)
    presets = [preset_of(result) for result in results]
    heads = presets if len(figures) == len(results) else [""] * len(figures)
    yield f"<h2>{html.escape(row.title)}</h2>"
    yield _beside([_figure(*pair) for pair in zip(heads, figures, strict=True)])
    yield _paragraph(row.reading)
    yield _beside([_figure(head, figure) for head, figure in row.against_first(results) if figure])
    yield _beside(
        [
            _picture(f"{gallery.label}: {caption}", png, caption)
            for gallery in row.galleries(results)
            for png, caption in gallery.pictures
        ]
    )
    yield files.html_table(row.numbers(results))
    yield _paragraph(row.sentence(results))
    origins = "".join(files.html_provenance(result) for result in results)
    yield f"<details><summary>Where it comes from</summary>{origins}</details>"


def _beside(cells: Sequence[str]) -> str:
    columns = f"repeat({min(len(cells), MOST_COLUMNS)}, 1fr)"
    row = f'<div class=row style="grid-template-columns:{columns}">{"".join(cells)}</div>'
    return row if cells else ""


def _figure(head: str, figure: go.Figure) -> str:
    return _cell(head, figure.to_html(full_html=False, include_plotlyjs=False))


def _picture(head: str, png: bytes, caption: str) -> str:
    data = b64encode(png).decode()
    return _cell(head, f'<img src="data:image/png;base64,{data}" alt="{html.escape(caption)}">')


def _cell(head: str, inner: str) -> str:
    return f"<div><b>{html.escape(head)}</b>{inner}</div>"


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>" if text else ""
