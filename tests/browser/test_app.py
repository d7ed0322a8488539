"""The whole app in Chromium: each page in each look, uploads, links, switches, exports."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import weights
from convmixer_viz.presets import PRESETS
from tests.browser.conftest import LOOKS, ROOT, every_look, listen, open_page, settle

FILES = sorted(path.stem for path in (ROOT / "convmixer_viz/pages").glob("[a-z]*.py"))
PAGES = ["" if name == "overview" else name for name in FILES]  # the overview's address is bare
by_page = pytest.mark.parametrize("name", PAGES, ids=[name or "overview" for name in PAGES])
SHIPPED = [n for n, p in PRESETS.items() if not p.published and weights.locate(p)]
STEADY = """() => {
    const names = ['stImage', 'stPlotlyChart', 'stHeading', 'stBidiComponentRegular', 'stCaption'];
    const all = () => names.flatMap(n => [...document.querySelectorAll(`[data-testid=${n}]`)]);
    const bare = s => s.getBoundingClientRect().width && !s.childElementCount;
    Object.assign(window, { least: all().length, most: all().length, white: 0 });
    const look = () => {
        window.least = Math.min(window.least, all().length);
        window.most = Math.max(window.most, all().length);
        window.white += [...document.images].some(i => i.complete && !i.naturalWidth);
        window.white += [...document.querySelectorAll('.main-svg')].some(bare);
        requestAnimationFrame(look); };
    look(); }"""


def ready(page):
    """The page stands: its title, its results, no error."""
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)
    assert page.locator('[data-testid="stException"]').count() == 0
    return page


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@every_look
def test_the_first_screen_shows_the_whole_strip(app, page):
    page.goto(app)
    ready(page)
    page.locator('.st-key-strip .stage[aria-valuetext^="Block 1: 16 of its kernels"]').wait_for()
    assert page.locator('[data-testid="stPlotlyChart"]').count() >= 1
    for picture in page.locator('[data-testid="stMain"] img').all():
        assert picture.get_attribute("alt") and picture.evaluate("i => i.naturalWidth") > 0
    assert fits(page)


@pytest.mark.parametrize("page", [LOOKS[0], LOOKS[3]], indirect=True, ids=["light", "dark"])
@by_page
def test_each_page_stands_alone(app, page, name):
    page.goto(f"{app}/{name}")
    ready(page)
    assert fits(page)
    pictures = page.locator('[data-testid="stMain"] img').all()
    assert all(picture.get_attribute("alt") for picture in pictures)


def test_pages_are_reached_by_their_links_and_keep_the_choices(app, page):
    page.goto(f"{app}/?block=5&picture=coffee")
    ready(page)
    for name in ("Prediction", "Kernels", "Receptive field", "Models"):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_function("name => document.querySelector('h1')?.innerText === name", arg=name)
        ready(page)
        assert page.get_by_label("Block", exact=True).input_value() == "5"
        assert "block=5" in page.url and "picture=coffee" in page.url


def test_a_cell_of_the_strip_is_a_door(app, page):
    page.goto(app)
    ready(page)
    page.locator(".st-key-strip .stage").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector(\"[aria-label='Block']\").value === '2'")
    settle(page)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Kernels'")
    ready(page)
    assert page.get_by_label("Block", exact=True).input_value() == "2"


def test_several_uploads_join_the_list_and_the_last_is_shown(app, page, tmp_path):
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


def test_a_link_opens_the_same_view_in_a_new_session(app, page, browser):
    page.goto(app)
    ready(page)
    page.get_by_label("Block", exact=True).fill("6")
    page.keyboard.press("Enter")
    page.wait_for_url("**block=6*")
    context = open_page(browser, *LOOKS[0])
    other, messages = context.new_page(), []
    listen(other, messages)
    other.goto(page.url)
    ready(other)
    assert other.get_by_label("Block", exact=True).input_value() == "6"
    shown = ".st-key-strip .stage"
    assert other.locator(shown).get_attribute("aria-valuetext").startswith("Block 6")
    context.close()
    assert messages == []


def test_a_broken_link_says_what_it_ignores(app, page):
    page.goto(f"{app}/?picture=nobody&preset=nothing")
    ready(page)
    said = page.locator('[data-testid="stSidebar"] [data-testid="stAlert"]').all_inner_texts()
    assert any("nobody" in text for text in said) and any("nothing" in text for text in said)


def test_three_presets_stand_side_by_side(app, page):
    presets = SHIPPED[:3]
    page.goto(f"{app}/compare?" + "&".join(f"preset={name}" for name in presets))
    ready(page)
    assert page.locator('[data-testid="stMain"] [data-testid="stAlert"]').count() == 0
    assert all(page.get_by_text(name, exact=True).count() for name in presets)
    assert fits(page)


def test_a_long_job_stops_at_once_and_goes_on_where_it_was(app, page):
    page.goto(f"{app}/attribution?picture=coffee&methods=integrated-gradients&steps=300")
    page.get_by_text(re.compile(r"^attribution, .*: [1-9]\d* of")).wait_for(timeout=120_000)
    page.get_by_role("button", name="Stop").last.click()
    stopped = page.get_by_text("Stopped at").inner_text(timeout=20_000)
    done = int(re.search(r"Stopped at (\d+)", stopped)[1])
    page.wait_for_timeout(1500)
    assert page.get_by_text(stopped).is_visible(), "nothing goes on by itself"
    page.get_by_role("button", name="Go on").click()
    bar = page.get_by_text(re.compile(r"^attribution, .*: [1-9]\d* of"))
    bar.wait_for(timeout=60_000)
    assert int(re.search(r": (\d+) of", bar.inner_text())[1]) >= done
    ready(page)
    assert page.get_by_role("button", name="Go on").count() == 0


@by_page
def test_every_download_opens(app, page, name, tmp_path):
    page.goto(f"{app}/{name}")
    ready(page)
    folds = page.locator('[data-testid="stExpander"] details:not([open]) summary')
    while folds.count():
        folds.first.click()
    buttons = page.locator('[data-testid="stDownloadButton"] button')
    page.wait_for_timeout(300)
    assert buttons.count() or name == "models"
    for index in range(buttons.count()):
        with page.expect_download() as waiting:
            buttons.nth(index).click()
        file = tmp_path / f"{index}-{waiting.value.suggested_filename}"
        waiting.value.save_as(file)
        opens(file)


def opens(file: Path) -> None:
    """Read a download by the tool that a person would open it with."""
    data = file.read_bytes()
    if file.suffix == ".npz":
        arrays = np.load(io.BytesIO(data))
        assert arrays.files and all(arrays[name].dtype != object for name in arrays.files)
    elif file.suffix == ".csv":
        assert len(list(csv.reader(io.StringIO(data.decode())))) >= 2
    elif file.suffix == ".json":
        assert json.loads(data)
    elif file.suffix == ".html":
        assert "<html" in data.decode().lower() and 'src="http' not in data.decode()
    elif file.suffix == ".png":
        Image.open(io.BytesIO(data)).verify()
    else:
        assert file.suffix == ".zip" and data[:2] == b"PK"


def test_thirty_reruns_show_no_white_no_ghost_and_lose_nothing(app, page):
    page.goto(app)
    ready(page)
    page.evaluate(STEADY)
    page.locator(".st-key-strip .stage").focus()
    for i in range(30):
        page.keyboard.press("ArrowRight" if i % 14 < 7 else "ArrowLeft")
        page.wait_for_timeout(250)
        settle(page)
    seen = page.evaluate("[window.least, window.most, window.white]")
    assert seen[0] == seen[1] and seen[2] == 0, seen
