"""Every page for every eye and hand, in both themes: axe's rules, contrast, words for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.accessibility import OF_STREAMLIT, pale_texts, unfold, violations
from tests.browser.conftest import LOOKS, ROOT, Serve, by_page, ready

if TYPE_CHECKING:
    from playwright.sync_api import Page

both_themes = pytest.mark.parametrize(
    "page", [LOOKS[0], LOOKS[3]], indirect=True, ids=["light", "dark"]
)


@both_themes
@by_page
def test_each_page_stands_alone(app: str, page: Page, name: str) -> None:
    page.goto(f"{app}/{name}")
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    pictures = page.locator('[data-testid="stMain"] img').all()
    assert all(picture.get_attribute("alt") for picture in pictures)
    assert page.locator(".modebar-btn:not([tabindex='-1'])").count() == 0
    unfold(page)
    assert [found for found in violations(page) if found[1] is None] == []
    assert pale_texts(page) == []


def test_what_is_held_against_streamlit_is_its_own(page: Page, serve: Serve) -> None:
    page.goto(serve(ROOT / "tests/browser/apps/bare.py"))
    ready(page)
    assert {found[:2] for found in violations(page)} == OF_STREAMLIT
