"""A result as a notebook shows it: picture, table and provenance, without script or network."""

from __future__ import annotations

import html
from base64 import b64encode

from convmixer_viz import catalog
from convmixer_viz.contract import Result
from convmixer_viz.export import files

MOST_ROWS = 12  # of a result's table


def by_mime_type(result: Result) -> dict[str, str]:
    """The result by MIME type."""
    if result.provenance is None:  # made by hand: nobody knows what it is of
        return {"text/plain": repr(result)}
    return {"text/html": page(result), "text/plain": result.origin.describe()}


def page(result: Result) -> str:
    """Picture, caption, table and provenance; it shows where a notebook isn't trusted, too."""
    rows = result.rows()
    more = f"<p>{len(rows) - MOST_ROWS} more rows: <code>rows()</code></p>"
    return (
        f"{_picture(result)}{files.html_table(rows[:MOST_ROWS])}"
        f"{more if len(rows) > MOST_ROWS else ''}"
        f"<details><summary>{html.escape(result.origin.describe())}</summary>"
        f"{files.html_provenance(result)}</details>"
    )


def _picture(result: Result) -> str:
    still = catalog.row_of(result).still(result)
    if still is None:
        return ""
    png, caption = still
    address, text = b64encode(png).decode(), html.escape(caption)
    return (
        f'<figure style="margin:0"><img src="data:image/png;base64,{address}" alt="{text}" '
        'style="min-width:14rem;max-width:100%;image-rendering:pixelated">'
        f"<figcaption>{text}</figcaption></figure>"
    )
