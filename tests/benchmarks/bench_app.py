"""How long the app lets a person wait, in Chromium, seconds from the click to the whole page; the
caches are new.

    python -m pytest tests/benchmarks/bench_app.py -s
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.browser.conftest import DRAWN, ROOT, browser, open_page, start_server

__all__ = ["browser"]  # the fixture
TITLES = ("Prediction", "Attribution", "Kernels", "Receptive field", "Models", "Overview")
WHOLE = f"""title => {{
    const state = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
    return state === 'notRunning' && document.querySelector('h1')?.innerText === title
        && !document.querySelector('[data-testid="stProgress"]') && ({DRAWN})(); }}"""


def timed(page: Any, title: str, act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    page.wait_for_function(WHOLE, arg=title, timeout=300_000, polling=20)
    return time.perf_counter() - begun


def visit(page: Any, title: str) -> float:
    return timed(page, title, page.get_by_role("link", name=title).first.click)


def stepped(page: Any, block: int) -> float:
    """The whole Kernels page for another block, whose statistics are at hand."""
    begun = time.perf_counter()
    page.get_by_label("Block", exact=True).press("ArrowUp")
    page.get_by_label("Block", exact=True).press("Enter")
    page.get_by_text(re.compile(rf"kernels of \d+×\d+, block {block}$")).wait_for()
    return time.perf_counter() - begun


@pytest.mark.timeout(900)
def test_waiting(browser: Any, tmp_path: Path) -> None:
    begun = time.perf_counter()
    address, process = start_server(ROOT / "streamlit_app.py", tmp_path / "log.txt")
    with process, closing(open_page(browser, "light", 1280)) as context:
        page = context.new_page()
        timed(page, "Overview", lambda: page.goto(address))
        start = time.perf_counter() - begun
        first = {title: visit(page, title) for title in TITLES}
        again = {title: visit(page, title) for title in TITLES}
        visit(page, "Kernels")
        steps = [stepped(page, block) for block in range(2, 9)]
        compared = visit(page, "Compare")
        process.terminate()
    print(f"\nfrom `streamlit run` to the whole Overview: {start:.1f} s")
    for title in TITLES:
        print(f"{title}: {first[title]:.2f} s at first, {again[title]:.2f} s again")
    print(f"a block further on Kernels: {median(steps):.2f} s")
    print(f"the default comparison: {compared:.1f} s")
    assert start < 12
    assert max(again.values()) < 1
