"""The html of pages and notebooks, by templates that escape whatever strangers named: classes,
files, presets."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict
from functools import cache
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup

from convmixer_viz import catalog
from convmixer_viz.contract import Result, as_text, columns, plain


def page(result: Result) -> str:
    """One self-contained page: the figure, and where its numbers come from."""
    row = catalog.row_of(result)
    return render("result", title=row.summary, figure=row.draw(result), result=result)


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


def _plot(figure: go.Figure, script: bool = False) -> Markup:
    """A figure; with plotly's own script where none stands on the page before."""
    return Markup(figure.to_html(full_html=False, include_plotlyjs=script))


def _data_address(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _record(result: Result) -> str:
    """The provenance as JSON."""
    return json.dumps(asdict(result.origin), indent=1, default=plain)
