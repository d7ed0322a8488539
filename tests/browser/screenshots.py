"""Renew the README's pictures from the running app: python -m tests.browser.screenshots."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, Theme, open_page, ready, start_server

FOLDER = ROOT / ".readme"
QUALITY = 88  # of WebP: colour scales keep their hues, a picture stays under 150 kB
SHOTS: dict[str, tuple[str, Theme, int, int]] = {  # file: (address, theme, width, height) in px
    "wide": ("?against=dog", "light", 1600, 1130),
    "overview": ("?preset=cifar10-128-8-k9&block=5", "dark", 1280, 1180),
    "prediction": ("prediction?block=4", "light", 1280, 1370),
    "attribution": ("attribution?against=dog", "light", 1280, 1440),
    "kernels": ("kernels?block=3&channel=12", "light", 1280, 1100),
    "receptive-field": ("receptive_field?block=6", "dark", 1280, 1480),
    "compare": ("compare?rows=receptive-field&rows=cost", "light", 1280, 1560),
    "what-if": ("what_if?edit=template:blocks=3-8", "dark", 1280, 1180),
    "data": ("data", "light", 1280, 1180),
    "one-token": ("token", "dark", 1280, 1180),
    "models": ("models", "light", 1280, 900),
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
                shoot(browser, address, folder / f"{name}.webp")
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
    ready(page)
    page.wait_for_timeout(1000)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(file, quality=QUALITY, method=6)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
