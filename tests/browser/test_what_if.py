"""What if in Chromium: an edit is in the link and on all pages; a sweep stops and goes on; a region
is dragged by mouse and by touch, a slider moved many times."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.browser.conftest import ready, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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


PASTE = "paste:from=coffee:tokens=0-1+16-17:at=0:grid=16"
REGION = f"what_if?preset=cifar10-128-8-k3&half=A+region+pasted&picture-edit={quote(PASTE)}"


def landed(page: Page, at: int) -> None:
    """The link, the box and the answer are of the same place."""
    script = "at => decodeURIComponent(location.search).includes(`:at=${at}:grid=16`)"
    page.wait_for_function(script, arg=at, timeout=60_000)
    page.get_by_text(f"at={at}:grid=16.", exact=False).first.wait_for(timeout=60_000)
    ready(page)
    assert page.locator(".st-key-onto .stage").get_attribute("aria-valuenow") == str(at)


def cell(page: Page, key: str, row: int, column: int) -> tuple[float, float]:
    """The middle of a token of a picture of 16 × 16, in pixels of the page."""
    box = page.locator(f".st-key-{key} canvas").bounding_box()
    assert box
    return box["x"] + (column + 0.5) * box["width"] / 16, box["y"] + (row + 0.5) * box[
        "height"
    ] / 16


def test_a_region_is_dragged_and_moved_by_keys(app: str, page: Page) -> None:
    page.goto(f"{app}/{REGION}")
    ready(page)
    page.locator(".st-key-onto .stage[data-region]").wait_for()
    page.mouse.move(*cell(page, "onto", 1, 1))
    page.mouse.down()
    page.mouse.move(*cell(page, "onto", 9, 7), steps=12)
    page.mouse.up()
    landed(page, 8 * 16 + 6)  # held by its lower right token
    page.mouse.move(*cell(page, "onto", 8, 6))
    page.mouse.down()
    page.mouse.move(*cell(page, "onto", 15, 15), steps=5)
    page.mouse.up()
    landed(page, 14 * 16 + 14)  # it stays inside
    page.locator(".st-key-onto .stage").press("ArrowUp")
    landed(page, 13 * 16 + 14)


def test_a_region_is_dragged_by_touch(app: str, browser: Browser) -> None:
    with closing(browser.new_context(has_touch=True)) as context:
        page = context.new_page()
        page.goto(f"{app}/{REGION}")
        ready(page)
        page.locator(".st-key-onto canvas").scroll_into_view_if_needed()
        settle(page)
        touch = context.new_cdp_session(page)
        for kind, row in (("touchStart", 0), *(("touchMove", row) for row in range(1, 6))):
            x, y = cell(page, "onto", row, 0)
            points = [{"x": x, "y": y}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        landed(page, 5 * 16)


def test_a_token_leaves_and_comes_back_by_a_click(app: str, page: Page) -> None:
    page.goto(f"{app}/what_if?preset=cifar10-128-8-k3&half=Its+tokens")
    ready(page)
    for tokens in ("tokens=35", "tokens=35-36", "tokens=35"):
        row, column = (2, 3) if tokens == "tokens=35" and "picture-edit" not in page.url else (2, 4)
        page.mouse.click(*cell(page, "tokens", row, column))
        page.wait_for_function(
            "word => decodeURIComponent(location.search).includes(word + ':grid')", arg=tokens
        )
        ready(page)


def test_a_slider_moved_many_times_ends_whole(app: str, page: Page) -> None:
    page.goto(f"{app}/what_if?preset=cifar10-128-8-k3&half=The+picture")
    ready(page)
    thumb = page.locator(".st-key-amount-shift-x input")
    thumb.focus()
    for move in range(200):
        page.keyboard.press("ArrowRight" if move % 10 < 6 else "ArrowLeft")
    value = thumb.input_value()
    assert value == "4"  # its end, 8, then four back
    linked = "decodeURIComponent(location.search).includes('shift:x=4')"
    page.wait_for_function(linked, timeout=120_000)  # a busy machine works off many moves
    ready(page)
    settle(page)
    assert thumb.input_value() == "4"
    assert page.get_by_text("Still shown of the choices before").count() == 0
    page.get_by_text("What the model saw of cat, shift:x=4.").wait_for()
