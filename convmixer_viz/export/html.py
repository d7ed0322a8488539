"""The html of pages and notebooks, by templates that escape whatever strangers named: classes,
files, presets."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from convmixer_viz import catalog
from convmixer_viz.contract import Result, as_text, columns, plain

BUNDLE = Path(__file__).with_name("plotly-cartesian.min.js.gz")  # MIT, of plotly.py's version
CARTESIAN = {"bar", "box", "contour", "heatmap", "histogram", "image", "scatter", "violin"}


def page(result: Result) -> str:
    """One self-contained page: the figure, and where its numbers come from."""
    row = catalog.row_of(result)
    figure = row.draw(result)
    script = plotly_script([figure])
    return render("result", title=row.summary, figure=figure, result=result, plotly=script)


def plotly_script(figures: Iterable[go.Figure]) -> str:
    """As much of plotly's script as figures need, gzipped, in base64."""
    kinds = {trace.type for figure in figures for trace in figure.data}
    whole = b"" if kinds <= CARTESIAN else gzip.compress(get_plotlyjs().encode(), mtime=0)
    return b64encode(whole or BUNDLE.read_bytes()).decode()


def render(template: str, **values: Any) -> str:
    """One of the templates beside this file, filled in."""
    return _environment().get_template(f"{template}.html").render(values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("convmixer_viz.export"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "columns": columns,
        "data_address": _data_address,
        "plot": _plot,
        "record": _record,
        "text": as_text,
    }
    return environment


def _plot(figure: go.Figure) -> Markup:
    """A figure's place and what is drawn there, once figures.js has plotly."""
    content = figure.to_json().replace("<", "\\u003c")
    script = f'<script type="application/json" class="figure">{content}</script>'
    return Markup(f'<div class="plotly-graph-div"></div>{script}')


def _data_address(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _record(result: Result) -> str:
    """The provenance as JSON."""
    return json.dumps(asdict(result.origin), indent=1, default=plain)
