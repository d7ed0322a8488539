"""Renew the README's pictures from the running app: python -m tests.browser.screenshots FOLDER."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, open_page, settle, start_server

SHOTS = {  # file: (address, theme, width, height) in px
    "overview": ("", "light", 1600, 1150),
    "overview-dark": ("", "dark", 1600, 1150),
    "prediction": ("prediction", "light", 1280, 1000),
    "attribution": ("attribution", "light", 1280, 1200),
    "kernels": ("kernels?block=3&kernel=12", "light", 1280, 1100),
    "receptive-field": ("receptive_field?block=6", "light", 1280, 1100),
    "compare": ("compare", "light", 1280, 1200),
    "models": ("models", "light", 1280, 1000),
}


def main(folder: Path) -> None:
    """Start a server, visit each page, wait for its results, keep its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        address, server = start_server(ROOT / "streamlit_app.py", Path(scratch) / "log.txt")
        try:
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for name in SHOTS:
                shoot(browser, address, folder / f"{name}.png")
            browser.close()
        finally:
            server.terminate()
            server.wait(20)


def shoot(browser: Browser, address: str, file: Path) -> None:
    """One page's picture once its results stand."""
    path, theme, width, height = SHOTS[file.stem]
    context = open_page(browser, theme, width)
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{address}/{path}")
    page.wait_for_selector("h1", timeout=60_000)
    settle(page, 600)
    page.wait_for_timeout(1000)
    page.screenshot(path=file)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
