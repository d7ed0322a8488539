"""Long work and many reruns: nothing vanishes, turns white or stays behind; stop and go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.browser.conftest import ready, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

STEADY = """() => {
    const names = ['stImage', 'stPlotlyChart', 'stHeading', 'stBidiComponentRegular'];
    const all = () => names.flatMap(n => [...document.querySelectorAll(`[data-testid=${n}]`)])
        .filter(element => element.checkVisibility());
    const bare = s => s.getBoundingClientRect().width && !s.childElementCount;
    let before = all().length;
    Object.assign(window, { lost: 0, white: 0 });
    const look = () => {
        window.lost += Math.max(0, before - all().length);
        before = all().length;
        window.white += [...document.images].some(i => i.complete && !i.naturalWidth);
        window.white += [...document.querySelectorAll('.main-svg')].some(bare);
        requestAnimationFrame(look); };
    look(); }"""


def test_a_long_job_stops_at_once_and_goes_on_where_it_was(app: str, page: Page) -> None:
    page.goto(f"{app}/attribution?picture=coffee&methods=rise&samples=6000")
    page.get_by_text(re.compile(r"^attribution, .*: [1-9]\d* of")).wait_for(timeout=120_000)
    button(page, "Stop").click(timeout=60_000)
    stopped = page.get_by_text("Stopped at").inner_text(timeout=60_000)
    done = first_number(stopped)
    page.wait_for_timeout(1500)
    assert page.get_by_text(stopped).is_visible(), "nothing goes on by itself"
    button(page, "Go on").click()
    bar = page.get_by_text(re.compile(r"^attribution, .*: [1-9]\d* of"))
    bar.wait_for(timeout=60_000)
    assert first_number(bar.inner_text().rpartition(": ")[2]) >= done
    ready(page)
    assert button(page, "Go on").count() == 0


def first_number(text: str) -> int:
    return int(re.findall(r"\d+", text)[0])


def button(page: Page, name: str) -> Locator:
    """The button of the maps' line: Streamlit's own toolbar has a Stop, too, while a run lasts."""
    return page.locator(".st-key-go-maps").get_by_role("button", name=name)


def watched(page: Page) -> list[int]:
    """Elements that went, frames with a white picture, and what is left faded: none of each."""
    ghosts = page.locator('[data-testid="stMain"] [data-stale="true"]').count()
    return [*page.evaluate("[window.lost, window.white]"), ghosts]


def test_thirty_reruns_beside_a_long_job_show_no_white_no_ghost_and_lose_nothing(
    app: str, page: Page
) -> None:
    slow = "methods=rise&methods=hirescam&samples=10000"
    page.goto(f"{app}/attribution?picture=rocket&{slow}")
    running = page.get_by_text(re.compile(r"^attribution, .*: [1-9]\d* of"))
    running.wait_for(timeout=120_000)
    page.evaluate(STEADY)
    busy, strength = 0, page.get_by_role("slider", name="Strength of the colours")
    strength.wait_for(timeout=120_000)  # beside the job, on a slow machine
    for i in range(30):
        before = page.url
        strength.press("ArrowLeft" if i % 10 < 5 else "ArrowRight")
        page.wait_for_function("before => location.href !== before", arg=before)
        page.wait_for_timeout(250)
        busy += running.count()
    stop = button(page, "Stop")
    if stop.count():
        stop.click()
    settle(page)
    assert busy, "the job was going on"
    assert watched(page) == [0, 0, 0]


def test_thirty_reruns_show_no_white_no_ghost_and_lose_nothing(app: str, page: Page) -> None:
    page.goto(app)
    ready(page)
    page.evaluate(STEADY)
    page.locator(".st-key-strip .stage").focus()
    for i in range(30):
        page.keyboard.press("ArrowRight" if i % 14 < 7 else "ArrowLeft")
        page.wait_for_timeout(250)
        settle(page)
    assert watched(page) == [0, 0, 0]
