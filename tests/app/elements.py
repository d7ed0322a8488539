"""What a page drew, as AppTest holds it: texts, figures, clickable pictures, tables."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

Array = NDArray[Any]


def texts(app: AppTest) -> str:
    """All captions, paragraphs and warnings."""
    return " ".join(each.value for each in (*app.caption, *app.markdown, *app.warning))


def letters(markdown: str) -> str:
    """What a person reads of words that were escaped."""
    return re.sub(r"\\(.)", r"\1", markdown)


def figures(app: AppTest) -> list[dict[str, Any]]:
    """The plotly figures, from top to bottom."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def traces(app: AppTest, index: int) -> list[dict[str, Any]]:
    """What one figure draws."""
    data: list[dict[str, Any]] = figures(app)[index]["data"]
    return data


def array(values: Any) -> Array:
    """A trace's numbers, listed or packed."""
    if isinstance(values, list):
        return np.array(values)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    shape = [int(n) for n in str(values.get("shape", flat.size)).split(",")]
    return flat.reshape(shape)


def sheets(app: AppTest) -> list[dict[str, Any]]:
    """What the clickable pictures were given."""
    return [each for each in _components(app) if "layout" in each]


def told(app: AppTest) -> str:
    """What a screen reader is told of the page's work."""
    (message,) = [each["message"] for each in _components(app) if "message" in each]
    return str(message)


def _components(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.json) for each in app.get("bidi_component") if each.proto.json]


def tables(app: AppTest) -> list[list[dict[str, Any]]]:
    """The tables, a dictionary a line."""
    return [each.value.to_dict("records") for each in app.dataframe]
