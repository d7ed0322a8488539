"""What strangers try: words that act, errors that tell, pictures from elsewhere, many uploads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from convmixer_viz.app import middleware
from tests.app.test_pictures import png
from tests.browser.conftest import LOOKS, PAGES, ROOT, Serve, open_page, ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

APPS = Path(__file__).parent / "apps"
HOSTILE = "![p](https://evil.example/p.png) [sign in](https://evil.example) https://evil.example"
VIOLATIONS = """() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', e =>
        window.violations.push(`${e.violatedDirective} ${e.blockedURI}`)); }"""
PUT = """async ([url, headers, size]) => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(size)]), 'x');
    return (await fetch(url, {method: 'PUT', body: form, headers})).status; }"""


@pytest.fixture
def noisy_page(browser: Browser) -> Iterator[Page]:
    """A page whose console may tell what was refused."""
    with closing(open_page(browser, "light", 1280)) as context:
        yield context.new_page()


@pytest.mark.parametrize("page", [LOOKS[0], LOOKS[1]], indirect=True, ids=["light", "dark"])
def test_no_page_asks_for_what_the_policy_forbids(app: str, page: Page) -> None:
    page.add_init_script(f"({VIOLATIONS})()")
    for name in PAGES:
        answer = page.goto(f"{app}/{name}")
        assert answer and answer.headers["content-security-policy"] == middleware.POLICY
        ready(page)
        assert page.evaluate("window.violations") == [], name


def test_a_foreign_picture_is_not_loaded(app: str, noisy_page: Page) -> None:
    noisy_page.goto(f"{app}/models")
    ready(noisy_page)
    blocked = noisy_page.evaluate(
        "new Promise(done => { const i = new Image(); i.onload = () => done(false);"
        "document.addEventListener('securitypolicyviolation', () => done(true));"
        "i.src = 'https://evil.example/p.png'; })"
    )
    assert blocked


@pytest.mark.parametrize("name", ["prediction", "models"])  # all pages: app/test_foreign_words.py
def test_words_of_a_link_are_letters(app: str, page: Page, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app}/{name}?picture={HOSTILE}")
    ready(page)
    warning = page.locator('[data-testid="stAlert"]').first
    assert "[sign in](https:" in warning.inner_text()
    assert page.locator('a[href*="evil"], img[src*="evil"]').count() == 0
    assert not [url for url in asked if url.startswith("https://evil")]


def test_a_mistake_is_a_sentence_with_a_number(serve: Serve, page: Page, tmp_path: Path) -> None:
    address = serve(APPS / "failing.py")
    page.goto(address)
    page.get_by_text("Something went wrong here").wait_for(timeout=60_000)
    text = page.locator("body").inner_text()
    for told in ("Traceback", str(ROOT), ".py", "KeyError"):
        assert told not in text


def test_one_tab_can_not_fill_the_memory(app: str, noisy_page: Page, tmp_path: Path) -> None:
    name, content, _ = png("small.png")
    (tmp_path / name).write_bytes(content)
    page = noisy_page
    page.goto(f"{app}/models")
    ready(page)
    with page.expect_request(lambda each: each.method == "PUT") as sent:
        page.locator('section[data-testid="stSidebar"] input[type="file"]').set_input_files(
            tmp_path / name
        )
    url, headers = sent.value.url, sent.value.headers
    token = {key: value for key, value in headers.items() if key.lower() == "x-xsrftoken"}
    size = 19 * middleware.MIB
    statuses = [
        page.evaluate(PUT, [f"{url}{number}", token, size])
        for number in range(middleware.MOST_OF_ONE // size + 2)
    ]
    assert statuses[0] == 204 and statuses[-1] == 413
