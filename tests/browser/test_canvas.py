"""The clickable canvas in Chromium: keys, clicks, words, theme, and nothing lost over reruns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Serve, box_of, every_look, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SCRIPT = Path(__file__).parent / "apps" / "canvas.py"


@pytest.fixture
def canvas(serve: Serve, page: Page) -> Page:
    page.goto(serve(SCRIPT))
    return ready(page)


def ready(page: Page) -> Page:
    for key in ("strip", "grid", "tokens"):
        page.wait_for_selector(f".st-key-{key} .stage[aria-valuetext]")
    settle(page)
    return page


def stage(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} .stage")


def number(page: Page, label: str) -> str:
    return page.get_by_label(label, exact=True).input_value()


def expect_number(page: Page, label: str, value: int) -> None:
    script = """([label, value]) =>
        document.querySelector(`input[aria-label='${label}']`).value === value"""
    page.wait_for_function(script, arg=[label, str(value)])


def painted(page: Page, key: str) -> float:
    """Share of the canvas' pixels that are not clear."""
    script = """c => {
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return d.filter((v, i) => i % 4 === 3 && v > 0).length * 4 / d.length; }"""
    share: float = page.locator(f".st-key-{key} canvas").evaluate(script)
    return share


@every_look
def test_every_layout_is_painted_and_fits_the_page(canvas: Page) -> None:
    assert painted(canvas, "strip") > 0.4
    assert painted(canvas, "grid") > 0.4
    assert painted(canvas, "tokens") == 1
    assert canvas.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_arrow_keys_pick_and_never_jump_back(canvas: Page) -> None:
    stage(canvas, "strip").focus()
    seen = []
    for _ in range(6):
        canvas.keyboard.press("ArrowRight")
        for _ in range(3):
            seen.append(int(stage(canvas, "strip").get_attribute("aria-valuenow") or -1))
            canvas.wait_for_timeout(30)
    assert seen == sorted(seen) and seen[-1] == 6
    expect_number(canvas, "Block", 6)
    canvas.wait_for_timeout(600)
    assert stage(canvas, "strip").get_attribute("aria-valuenow") == "6"


def test_a_row_of_keys_is_one_pick(canvas: Page) -> None:
    stage(canvas, "grid").evaluate("""s => { for (let i = 0; i < 8; i++)
        s.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' })); }""")
    expect_number(canvas, "Kernel", 8)
    canvas.get_by_text("run 2", exact=True).wait_for()
    settle(canvas)
    assert canvas.get_by_text("run 2", exact=True).is_visible()


def test_a_click_on_the_picture_picks_row_and_column(canvas: Page) -> None:
    box = box_of(stage(canvas, "tokens"))
    step = box["width"] / 8
    canvas.mouse.click(box["x"] + 5.5 * step, box["y"] + 2.5 * step)
    expect_number(canvas, "Row", 2)
    expect_number(canvas, "Column", 5)
    assert stage(canvas, "tokens").get_attribute("aria-valuetext") == "row 2, column 5"


def test_hover_tells_and_leaving_ends_it(canvas: Page) -> None:
    box = box_of(stage(canvas, "strip"))
    canvas.mouse.move(box["x"] + box["width"] / 20, box["y"] + 40)
    tip = canvas.locator(".st-key-strip .tip")
    assert tip.inner_text() == "No depthwise kernels here"
    canvas.mouse.move(box["x"] + box["width"] * 0.15, box["y"] + 40)
    assert tip.inner_text().startswith("Block 1: 16 of its kernels")
    canvas.mouse.move(box["x"] + 10, box["y"] - 60)
    assert tip.is_hidden()


def test_enter_opens_the_picked_cell(canvas: Page) -> None:
    stage(canvas, "strip").focus()
    canvas.keyboard.press("ArrowRight")
    canvas.keyboard.press("ArrowDown")
    expect_number(canvas, "Block", 1)
    canvas.keyboard.press("Enter")
    canvas.get_by_text("opened (1, (1,))").wait_for()
    assert number(canvas, "Block") == "1"


def test_a_second_click_opens_what_the_first_picked(canvas: Page) -> None:
    box = box_of(stage(canvas, "strip"))
    place = box["x"] + box["width"] * 0.35, box["y"] + 40
    canvas.mouse.click(*place)
    expect_number(canvas, "Block", 3)
    assert canvas.get_by_text("opened None").is_visible()
    canvas.mouse.click(*place)
    canvas.get_by_text("opened (0, (3,))").wait_for()


def test_the_head_opens_and_leaves_the_block_alone(canvas: Page) -> None:
    stage(canvas, "strip").focus()
    canvas.keyboard.press("End")
    canvas.keyboard.press("Enter")
    canvas.get_by_text("opened (0, None)").wait_for()
    assert number(canvas, "Block") == "0"


def test_a_number_typed_elsewhere_moves_the_pick(canvas: Page) -> None:
    canvas.get_by_label("Kernel", exact=True).fill("40")
    canvas.keyboard.press("Enter")
    canvas.get_by_text("run 2", exact=True).wait_for()
    canvas.wait_for_timeout(200)
    assert stage(canvas, "grid").get_attribute("aria-valuetext") == "kernel 40"


def test_a_switch_of_theme_repaints_the_words(canvas: Page) -> None:
    read = """c => Array.from(c.getContext('2d').getImageData(0, 4, c.width, 14).data)
        .reduce((sum, v, i) => i % 4 === 3 ? sum : sum + v, 0)"""
    head = canvas.locator(".st-key-strip canvas")
    light = head.evaluate(read)
    canvas.emulate_media(color_scheme="dark")
    canvas.wait_for_timeout(800)
    assert head.evaluate(read) > 2 * light


WATCH = """() => {
    const roots = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
    window.kept = roots.flatMap(r => [...r.querySelectorAll('canvas')]);
    window.frames = window.bare = 0;
    const white = c => !c.getContext('2d').getImageData(c.width / 2, 60, 1, 1).data[3];
    const look = () => {
        window.frames += 1;
        window.bare += window.kept.some(c => !c.isConnected || white(c));
        requestAnimationFrame(look); };
    look(); }"""


def test_thirty_reruns_lose_no_canvas_and_show_no_white(canvas: Page) -> None:
    canvas.evaluate(WATCH)
    stage(canvas, "tokens").focus()
    for i in range(30):
        canvas.keyboard.press(("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")[i % 4])
        canvas.get_by_text(f"run {i + 2}", exact=True).wait_for()
    assert canvas.evaluate("window.kept.length") == 3
    assert canvas.evaluate("window.frames") > 60
    assert canvas.evaluate("window.bare") == 0


def test_a_deep_strip_scrolls_in_itself_and_stays_where_it_was(serve: Serve, page: Page) -> None:
    page.goto(serve(SCRIPT) + "/?depth=32")
    ready(page)
    scroller = page.locator(".st-key-strip .scroller")
    assert scroller.evaluate("s => s.scrollWidth > s.clientWidth")
    stage(page, "strip").focus()
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    expect_number(page, "Block", 25)
    left = scroller.evaluate("s => s.scrollLeft")
    page.wait_for_timeout(400)
    assert left > 0 and scroller.evaluate("s => s.scrollLeft") == left
    box = box_of(page.locator(".st-key-strip .box"))
    names = box_of(page.locator(".st-key-strip .names"))
    assert box["width"] >= 56 and box["x"] >= names["x"] + names["width"]
