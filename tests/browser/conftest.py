"""Real Chromium against a real server: a free port, both themes, two widths, a silent console."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.error import URLError
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        FloatRect,
        Locator,
        Page,
    )

sync_api = pytest.importorskip("playwright.sync_api")
Serve = Callable[[Path], str]
Theme = Literal["light", "dark"]

ROOT = Path(__file__).parents[2]
LOOKS: list[tuple[Theme, int]] = [("light", 1280), ("dark", 1280), ("light", 1920), ("dark", 1920)]
every_look = pytest.mark.parametrize(
    "page", LOOKS, indirect=True, ids=[f"{theme}-{width}" for theme, width in LOOKS]
)
FLAGS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
)
FILES = sorted(path.stem for path in (ROOT / "convmixer_viz/app/pages").glob("[a-z]*.py"))
PAGES = ["" if name == "overview" else name for name in FILES]  # the overview's address is bare
by_page = pytest.mark.parametrize("name", PAGES, ids=[name or "overview" for name in PAGES])
KNOWN = ("_stcore/health", "_stcore/host-config")  # a deep path always misses these two once


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium in the path")
    with (
        sync_api.sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=chromium, args=FLAGS)) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a Streamlit server for a script (once a script); returns its address."""
    servers: dict[Path, tuple[str, subprocess.Popen[bytes]]] = {}

    def start(script: Path) -> str:
        if script not in servers:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            servers[script] = start_server(script, log)
        return servers[script][0]

    yield start
    for _, process in servers.values():
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def app(serve: Serve) -> str:
    """The address of the app itself."""
    return serve(ROOT / "streamlit_app.py")


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page in one look (light, 1280 px unless parametrised) whose console must stay silent."""
    theme, width = getattr(request, "param", LOOKS[0])
    with closing(open_page(browser, theme, width)) as context:
        page = context.new_page()
        messages: list[str] = []
        listen(page, messages)
        yield page
        page.screenshot(path=tmp_path / "last.png")
    assert messages == []


def open_page(browser: Browser, theme: Theme, width: int) -> BrowserContext:
    """A new session: nothing shared with the pages before."""
    return browser.new_context(
        viewport={"width": width, "height": 1000},
        color_scheme=theme,
        accept_downloads=True,
        permissions=["clipboard-read", "clipboard-write"],
    )


def listen(page: Page, messages: list[str]) -> None:
    """Collect the messages of the page's console, but for the two known misses."""

    def note(message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        ours = "willReadFrequently" in message.text  # the tests read canvases, the app doesn't
        if not ours and not (message.type == "error" and place.endswith(KNOWN)):
            messages.append(f"{message.type}: {message.text} ({place})")

    page.on("console", note)
    page.on("pageerror", lambda error: messages.append(str(error)))


def ready(page: Page) -> Page:
    """The page stands: its title, its results, every figure drawn, no error."""
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)
    page.wait_for_function(DRAWN, timeout=120_000)
    assert page.locator('[data-testid="stException"]').count() == 0
    return page


def settle(page: Page, timeout: float = 240) -> None:
    """Wait until the script has come to its end for good: no run, no bar, for half a second."""
    page.evaluate("window.calm = 0")
    page.wait_for_function(CALM, timeout=1000 * timeout, polling=100)


def box_of(locator: Locator) -> FloatRect:
    """Where an element is drawn, in px; it must be visible."""
    box = locator.bounding_box()
    assert box is not None
    return box


DRAWN = """() => !document.querySelector('[data-testid=stSkeleton]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(
        chart => !chart.offsetParent || chart.querySelector('.main-svg'))"""
CALM = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const busy = app?.dataset.testScriptState !== 'notRunning'
        || document.querySelector('[data-testid="stProgress"]');
    window.calm = busy ? 0 : window.calm + 1;
    return window.calm > 5; }"""


def start_server(script: Path, log: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A server on a free port: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--server.port={port}", "--server.headless=true"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    _await_health(f"{address}/_stcore/health", process, log)
    return address, process


def _await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text()}")
