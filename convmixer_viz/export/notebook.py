"""A result as a notebook shows it: picture, table and provenance, without script or network."""

from __future__ import annotations

from convmixer_viz import catalog
from convmixer_viz.contract import Result
from convmixer_viz.export import html

MOST_ROWS = 12  # of a result's table


def by_mime_type(result: Result) -> dict[str, str]:
    """The result by MIME type."""
    if result.provenance is None:  # made by hand: nobody knows what it is of
        return {"text/plain": repr(result)}
    return {"text/html": page(result), "text/plain": result.origin.describe()}


def page(result: Result) -> str:
    """Picture, caption, table and provenance; it shows where a notebook isn't trusted, too."""
    still = catalog.row_of(result).still(result)
    return html.render("notebook", result=result, still=still, rows=result.rows(), most=MOST_ROWS)
