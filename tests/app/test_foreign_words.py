"""No words of a link, a picture's name, a class list or a checkpoint are markup on any page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import session
from tests.app.conftest import Visit
from tests.app.test_pages import PAGES
from tests.app.test_pictures import png, upload
from tests.conftest import TINY, calibrated

LINK = "[sign in](https://evil.example)"
TAG = "<b>bold</b>"
HOSTILE = f"{LINK} {TAG} ![p](https://evil.example/p.png) :red[x] $y$"
MARKUP = ("](https://evil", "<b>bold", " :red[", " $y$")
# fields of messages that are read as markdown or as plotly's text; others are shown as letters
READ = {"body", "label", "help", "caption", "text", "spec", "message", "placeholder_markdown"}


@pytest.fixture(autouse=True, scope="module")
def hostile_preset() -> Iterator[None]:
    """A preset whose class names are markup."""
    names = tuple(f"{HOSTILE} {number}" for number in range(TINY.class_count))
    bench = session.bench()
    like = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}
    bench.add("tiny", calibrated(TINY).state_dict(), classes=names, **like)
    yield
    session.bench.clear()


def words_read(message: Any) -> Iterator[tuple[str, str]]:
    """Every text of a protocol's message that is read as markdown, or by plotly as tags."""
    for field, value in message.ListFields():
        for part in value if hasattr(value, "append") else [value]:
            if hasattr(part, "ListFields"):
                yield from words_read(part)
            elif isinstance(part, str) and field.name in READ:
                yield field.name, part


def markup(app: AppTest) -> list[str]:
    """Texts in which a hostile word could still act."""
    nodes = [node for part in (app.main, app.sidebar) for node in _nodes(part)]
    protos = [proto for node in nodes if (proto := getattr(node, "proto", None)) is not None]
    texts = [text for proto in protos if hasattr(proto, "ListFields") for text in words_read(proto)]
    return [f"{name}: {text[:300]}" for name, text in texts if _acts(name, text)]


def _nodes(block: Any) -> Iterator[Any]:
    yield block
    for child in getattr(block, "children", {}).values():
        yield from _nodes(child)


def _acts(name: str, text: str) -> bool:
    if name == "spec":
        return "<b>bold" in text.replace("\\u003c", "<").replace("\\u003e", ">")
    unescaped = re.sub(r"\\.", "", text)
    return any(mark in unescaped for mark in MARKUP)


@pytest.mark.parametrize("page", PAGES)
def test_no_class_name_is_markup(visit: Visit, page: str) -> None:
    rows = ["prediction", "evidence"]
    app = visit(page, preset=["tiny", "cifar10-128-8-k3"], rows=rows, methods=["hirescam"])
    assert not app.exception
    assert markup(app) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_word_of_a_link_is_markup(visit: Visit, page: str) -> None:
    app = visit(page, picture=HOSTILE, target=HOSTILE, device=HOSTILE, rows=["prediction"])
    assert not app.exception
    (warning,) = [warning.value for warning in app.warning]
    assert warning.count("sign in") == 3
    assert markup(app) == []


def test_no_key_of_a_link_is_markup(visit: Visit) -> None:
    app = visit("models", **{HOSTILE: "x"})
    assert "sign in" in app.warning[0].value
    assert markup(app) == []


@pytest.mark.parametrize("page", ["overview", "prediction", "kernels", "attribution"])
def test_no_name_of_a_picture_is_markup(visit: Visit, page: str) -> None:
    app = upload(visit(page, methods=["hirescam"]), png(f"{HOSTILE}.png", (40, 40)))
    assert not app.exception
    assert markup(app) == []


def test_the_test_sees_markup() -> None:
    def page() -> None:
        import streamlit as st

        from tests.app.test_foreign_words import HOSTILE

        st.caption(f"Red speaks for {HOSTILE}.")

    assert len(markup(AppTest.from_function(page).run())) == 1
