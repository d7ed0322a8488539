"""Links made by version 0.1 open the same view: widgets, title, address, what is ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app.state import KEY
from tests.app.conftest import Visit

LINKS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("old_links.json").read_text("utf-8")
)
NAMES = [f"{link['page']}?{link['query']}" for link in LINKS]


@pytest.mark.parametrize("link", LINKS, ids=NAMES)
def test_a_link_opens_as_before(visit: Visit, link: dict[str, Any]) -> None:
    app = visit(link["page"] or "overview", **parse_qs(link["query"], keep_blank_values=True))
    assert not app.exception
    assert app.title[0].value == link["title"]
    assert {key: as_json(app.session_state[key]) for key in link["state"]} == link["state"]
    assert address(app) == link["address"]
    warnings = " ".join(warning.value for warning in app.warning)
    sentences = app.session_state[KEY].ignored.values()
    assert sum(each.endswith("was ignored.") for each in sentences) == len(link["ignored"])
    assert "did you mean go-" not in warnings  # a button's key is no parameter
    for key, _, value in (pair.partition("=") for pair in link["ignored"]):
        assert f"{key} '{value}'" in warnings


def address(app: AppTest) -> dict[str, list[str]]:
    """The parameters that stand in the address after the run."""
    values = dict(app.query_params)
    return {key: each if isinstance(each, list) else [each] for key, each in values.items()}


def as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
