"""The whole app in Chromium: each page in each look, uploads, links, switches, comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import locate
from tests.browser.conftest import LOOKS, every_look, listen, open_page, ready, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHIPPED = [n for n, p in PRESETS.items() if not p.published and locate.find_file(p)]


def fits(page: Page) -> bool:
    fitting: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return fitting


@every_look
def test_the_first_screen_shows_the_whole_strip(app: str, page: Page) -> None:
    page.goto(app)
    ready(page)
    page.locator('.st-key-strip .stage[aria-valuetext^="Block 1: 16 of its kernels"]').wait_for()
    assert page.locator('[data-testid="stPlotlyChart"]').count() >= 1
    for picture in page.locator('[data-testid="stMain"] img').all():
        assert picture.get_attribute("alt") and picture.evaluate("i => i.naturalWidth") > 0
    assert fits(page)


def test_pages_are_reached_by_their_links_and_keep_the_choices(app: str, page: Page) -> None:
    page.goto(f"{app}/?block=5&picture=coffee")
    ready(page)
    for name in ("Prediction", "Kernels", "Receptive field", "Models"):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_function("name => document.querySelector('h1')?.innerText === name", arg=name)
        ready(page)
        assert page.get_by_label("Block", exact=True).input_value() == "5"
        assert "block=5" in page.url and "picture=coffee" in page.url


def test_a_cell_of_the_strip_is_a_door(app: str, page: Page) -> None:
    page.goto(app)
    ready(page)
    page.locator(".st-key-strip .stage").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector(\"[aria-label='Block']\").value === '2'")
    settle(page)
    before, address = page.evaluate("history.length"), page.url
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Kernels'")
    ready(page)
    page.wait_for_function("document.activeElement.innerText === 'Kernels'")
    assert page.get_by_label("Block", exact=True).input_value() == "2"
    assert page.title() == "Kernels · cifar10-256-8 · ConvMixer Viz"
    assert page.evaluate("history.length") == before + 1
    page.go_back()
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Overview'")
    settle(page)
    assert page.url == address and page.get_by_label("Block", exact=True).input_value() == "2"


def test_a_first_look_that_was_skipped_is_remembered(app: str, page: Page) -> None:
    page.goto(app)
    ready(page)
    page.get_by_role("button", name="Skip it").click()
    page.get_by_role("button", name="First look", exact=True).wait_for()
    settle(page)
    page.reload()
    ready(page)
    page.get_by_role("button", name="First look", exact=True).wait_for()
    assert page.get_by_role("button", name="Skip it").count() == 0


def test_several_uploads_join_the_list_and_the_last_is_shown(
    app: str, page: Page, tmp_path: Path
) -> None:
    names = ["red.png", "green.png", "blue.png"]
    for name, color in zip(names, ("#c00", "#0c0", "#00c"), strict=True):
        Image.new("RGB", (40, 40), color).save(tmp_path / name)
    page.goto(f"{app}/prediction")
    ready(page)
    page.locator('input[type="file"]').set_input_files([tmp_path / name for name in names])
    page.get_by_text("32×32 px of blue.png").wait_for(timeout=60_000)
    ready(page)
    page.locator(".st-key-picture input").click()
    page.locator('[role="option"]').first.wait_for()
    page.locator(".st-key-picture input").fill(".png")
    page.wait_for_timeout(500)
    options = page.locator('[role="option"]').all_inner_texts()
    assert set(names) <= set(options)
    page.keyboard.press("Escape")


def test_a_link_opens_the_same_view_in_a_new_session(
    app: str, page: Page, browser: Browser
) -> None:
    page.goto(app)
    ready(page)
    page.get_by_label("Block", exact=True).fill("6")
    page.keyboard.press("Enter")
    page.wait_for_url("**block=6*")
    context = open_page(browser, *LOOKS[0])
    messages: list[str] = []
    other = context.new_page()
    listen(other, messages)
    other.goto(page.url)
    ready(other)
    assert other.get_by_label("Block", exact=True).input_value() == "6"
    shown = ".st-key-strip .stage"
    assert (other.locator(shown).get_attribute("aria-valuetext") or "").startswith("Block 6")
    context.close()
    assert messages == []


def test_a_broken_link_says_what_it_ignores(app: str, page: Page) -> None:
    page.goto(f"{app}/attribution?picture=nobody&preset=nothing&block=99&cells=bogus&baseline=blur")
    ready(page)
    warnings = page.locator('[data-testid="stSidebar"] [data-testid="stAlert"]')
    texts = " ".join(warnings.all_inner_texts())
    assert all(name in texts for name in ("nobody", "nothing", "99", "bogus"))
    assert "blur" not in texts
    page.get_by_label("Block", exact=True).fill("2")
    page.keyboard.press("Enter")
    page.wait_for_url("**block=2*")
    settle(page)
    assert warnings.count() == 0


def test_three_presets_stand_side_by_side(app: str, page: Page) -> None:
    presets = SHIPPED[:3]
    page.goto(f"{app}/compare?" + "&".join(f"preset={name}" for name in presets))
    ready(page)
    assert page.locator('[data-testid="stMain"] [data-testid="stAlert"]').count() == 0
    assert all(page.get_by_text(name, exact=True).count() for name in presets)
    assert fits(page)


def test_the_comparison_opens_with_three_sizes_of_kernels(app: str, page: Page) -> None:
    page.goto(f"{app}/compare?rows=prediction&rows=receptive-field&rows=cost")
    ready(page)
    assert page.locator('[data-testid="stMain"] [data-testid="stAlert"]').count() == 0
    for name in ("k3", "k5", "k9"):
        assert page.get_by_text(f"cifar10-128-8-{name}", exact=True).count() > 1
    for title in ("What they say", "How far they see", "What they cost"):
        page.locator("summary", has_text=title).wait_for()
    assert page.get_by_text("stands here once all columns").count() == 0
    assert page.get_by_text("the median of 7 calls").count() == 1
    assert fits(page)


def test_the_button_copies_a_link_to_this_view(app: str, page: Page) -> None:
    page.goto(f"{app}/overview?block=4")  # the first page by its name
    ready(page)
    page.get_by_role("button", name="Copy the link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert page.url.endswith("/overview?block=4")
