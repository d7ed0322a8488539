"""A phone: a finger scrolls, cells are large enough, what is tapped is seen."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from tests.browser.conftest import box_of, ready, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SCREEN = {"width": 390, "height": 844}
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


def swipe(page: Page, over: Locator) -> None:
    """One finger, 200 px upwards from the middle of an element."""
    box, touch = box_of(over), page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for step in range(11):
        kind = "touchMove" if step else "touchStart"
        points = [{"x": x, "y": y - 20 * step}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)


def test_a_phone_is_enough(app: str, browser: Browser) -> None:
    with closing(browser.new_context(viewport=SCREEN, has_touch=True, is_mobile=True)) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(app)
        ready(page)
        figure = page.locator(".js-plotly-plot").first
        figure.scroll_into_view_if_needed()
        before = page.evaluate(SCROLLED)
        swipe(page, figure)
        assert page.evaluate(SCROLLED) > before + 100, "the page scrolls, the figure doesn't zoom"

        page.locator("[data-testid=stExpandSidebarButton]").tap()
        page.get_by_role("link", name="Kernels").tap()
        page.wait_for_function("document.querySelector('h1')?.innerText === 'Kernels'")
        ready(page)
        page.locator("[data-testid=stExpandSidebarButton]").wait_for()

        grid = page.locator(".st-key-grid .stage")
        grid.scroll_into_view_if_needed()
        cell = box_of(page.locator(".st-key-grid .box"))
        assert min(cell["width"], cell["height"]) >= 24
        box = box_of(grid)
        page.touchscreen.tap(box["x"] + 1.5 * cell["width"] + 6, box["y"] + 5)
        settle(page)
        page.wait_for_function(
            "document.querySelector('.st-key-kernel-details').getBoundingClientRect().top < 400"
        )
        assert page.get_by_label("Kernel", exact=True).input_value() == "1"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
