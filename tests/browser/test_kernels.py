"""The kernels page in Chromium: hover tells, a click opens, arrow keys move, the link holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import box_of, every_look, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

sync_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture
def opened(page: Page, app: str) -> Page:
    """The page at block 3, kernel 20, when everything on it is there."""
    page.goto(f"{app}/kernels?block=3&channel=20")
    stage(page).wait_for(timeout=120_000)
    page.get_by_text("Fires most").wait_for(timeout=120_000)
    settle(page)
    return page


def stage(page: Page) -> Locator:
    return page.get_by_role("slider", name="kernels of")


def number(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="Kernel", exact=True)


@every_look
def test_hover_click_keys_and_link(opened: Page) -> None:
    box = box_of(stage(opened))
    opened.mouse.move(box["x"] + 60, box["y"] + 12)
    tip = opened.locator(".tip:visible")
    sync_api.expect(tip).to_contain_text("R²")
    hovered = tip.inner_text().split(":")[0]
    opened.mouse.click(box["x"] + 60, box["y"] + 12)
    sync_api.expect(number(opened)).to_have_value(hovered, timeout=20_000)
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    moved = str(int(hovered) + 2)
    sync_api.expect(number(opened)).to_have_value(moved, timeout=20_000)
    opened.wait_for_url(f"**channel={moved}**")
    opened.reload()
    sync_api.expect(number(opened)).to_have_value(moved, timeout=60_000)
    text = re.compile(rf"^{moved}: ")
    sync_api.expect(stage(opened)).to_have_attribute("aria-valuetext", text, timeout=60_000)


def test_a_block_of_the_ruler_changes_the_grid(opened: Page) -> None:
    ruler = opened.get_by_role("slider", name="Blocks by their typical kernels")
    box = box_of(ruler)
    opened.mouse.click(box["x"] + box["width"] * 6.5 / 8, box["y"] + 60)
    there = opened.get_by_text("kernels of 5×5, block 7")
    sync_api.expect(there).to_be_visible(timeout=20_000)
    opened.wait_for_url("**block=7**")


def test_the_focus_shows_where_nothing_is_picked(page: Page, app: str) -> None:
    page.goto(f"{app}/kernels?view=Patch+embedding")
    patches = page.locator(".st-key-patches .stage[aria-valuetext]")
    patches.wait_for(timeout=120_000)
    settle(page)
    box = page.locator(".st-key-patches .box")
    assert not box.is_visible()
    page.keyboard.press("Tab")
    patches.focus()
    assert box.is_visible()
    assert box.evaluate("b => getComputedStyle(b).outlineWidth") == "3px"
    page.keyboard.press("ArrowRight")
    settle(page)
    page.keyboard.press("Tab")
    assert box.is_visible()  # picked now
