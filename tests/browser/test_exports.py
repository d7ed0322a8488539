"""What a person takes along opens: every download, every figure as SVG, the report's as PNG."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import PAGES, by_page, ready

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WITHOUT_RESULTS = ("models", "data")  # their numbers came with the weights
WITHOUT_FIGURES = ("token",)  # of plotly: it draws on canvases


@by_page
def test_every_download_opens(app: str, page: Page, name: str, tmp_path: Path) -> None:
    page.goto(f"{app}/{name}")
    ready(page)
    folds = page.locator('[data-testid="stExpander"] details:not([open]) summary')
    while folds.count():
        folds.first.click()
    results = page.get_by_role("combobox", name="Result")
    assert results.count() or name in WITHOUT_RESULTS
    first = take_all(page, tmp_path)
    if results.count():
        results.press("ArrowDown")
        options = page.get_by_role("option")
        alone = options.count() == 1
        options.last.click()
        ready(page)
        last = take_all(page, tmp_path)
        assert last.keys() == first.keys()
        assert (last["json"] == first["json"]) == alone, "the last result's files, not the first's"


def take_all(page: Page, folder: Path) -> dict[str, bytes]:
    """Press every download button; each file opens. By the ending of its name."""
    page.wait_for_timeout(300)
    taken: dict[str, bytes] = {}
    buttons = page.locator('[data-testid="stDownloadButton"] button')
    for index in range(buttons.count()):
        with page.expect_download(timeout=120_000) as waiting:  # it is made when it is asked for
            buttons.nth(index).click()
        file = folder / f"{index}-{waiting.value.suggested_filename}"
        waiting.value.save_as(file)
        opens(file)
        taken[file.suffix[1:]] = file.read_bytes()
    return taken


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


@pytest.mark.parametrize("name", [name for name in PAGES if name not in WITHOUT_FIGURES])
def test_every_figure_saves_itself_as_svg(app: str, page: Page, name: str, tmp_path: Path) -> None:
    page.goto(f"{app}/{name}")
    ready(page)
    plots = page.locator(".js-plotly-plot:visible")
    plots.first.wait_for(timeout=60_000)
    for index in range(plots.count()):
        drawn = save(page, plots.nth(index), tmp_path / f"{index}.svg")
        tags = [part.tag.rpartition("}")[2] for part in ElementTree.parse(drawn).iter()]
        assert tags[0] == "svg" and {"path", "image"} & set(tags) and "text" in tags


def test_a_figure_of_the_report_saves_itself_as_png(app: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{app}/prediction")
    ready(page)
    page.get_by_text("Where these numbers come from").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="report (html)").click()
    waiting.value.save_as(tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    drawn = save(page, page.locator(".js-plotly-plot").first, tmp_path / "figure.png")
    with Image.open(drawn) as picture:
        assert picture.format == "PNG" and min(picture.size) > 100
        assert len(set(picture.convert("L").tobytes())) > 10, "something is drawn"


def save(page: Page, plot: Locator, file: Path) -> Path:
    """Press a figure's own button; where the file came to lie."""
    plot.scroll_into_view_if_needed()
    plot.hover()
    with page.expect_download() as waiting:
        plot.locator(".modebar-btn[data-title^='Download']").click()
    assert Path(waiting.value.suggested_filename).suffix == file.suffix
    waiting.value.save_as(file)
    return file
