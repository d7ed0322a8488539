"""What if in Chromium: an edit is in the link and on all pages; a sweep stops and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import ready, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_an_edit_stands_in_the_link_and_on_every_page_and_leaves_with_a_click(
    app: str, page: Page
) -> None:
    page.goto(f"{app}/what_if?preset=cifar10-128-8-k3")
    ready(page)
    page.get_by_role("button", name="Make this change").click()
    page.get_by_text("The edited model says").wait_for(timeout=60_000)
    ready(page)
    assert "edit=off" in page.url
    for name in ("Prediction", "Kernels"):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_function("name => document.querySelector('h1')?.innerText === name", arg=name)
        ready(page)
        assert "edit=off" in page.url
        page.locator(".st-key-edit").get_by_text("off", exact=True).wait_for()
    page.get_by_role("link", name="What if").first.click()
    page.get_by_text("The edited model says").wait_for(timeout=60_000)
    page.locator(".st-key-end-0 button").first.click()
    page.wait_for_function("!location.search.includes('edit=')")
    ready(page)
    assert page.locator(".st-key-edit").get_by_text("off", exact=True).count() == 0


def test_a_sweep_is_stopped_and_goes_on(app: str, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 2600})
    page.goto(f"{app}/what_if?preset=cifar10-128-8-k3&edit=mean&draws=3")
    ready(page)
    button = page.locator(".st-key-go-sweep button")
    assert button.inner_text().startswith("Start, ≈ ")
    button.click()
    page.get_by_role("button", name="Stop").wait_for()
    page.get_by_text("effect, cifar10-128-8-k3: ").wait_for()  # a step is done
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Go on").wait_for()
    settle(page)
    page.get_by_text("Stopped at").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("8 points. The last: block 8").wait_for(timeout=240_000)
    ready(page)
    assert page.get_by_role("button", name="Go on").count() == 0
