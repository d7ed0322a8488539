"""A result shows itself in a notebook, run by a real Jupyter kernel."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

START = """
from convmixer_viz import ANALYSES, Workbench
bench = Workbench("cpu")
cat = {"preset": "cifar10-128-8-k3"}
"""
CELLS = {
    "a picture": "bench.run('evidence', ['gallery:cat'], **cat)",
    "a table": "bench.run('structure', **cat)",
    "three results": "bench.explain('gallery:cat', 'cifar10-128-8-k3', resolution=32)",
    "made by hand": "ANALYSES['cost'].result_type(parameters=1, multiply_adds=1, depthwise=0.5, "
    "batch=1, call_seconds=__import__('numpy').ones(1), median_seconds=1.0, peak_bytes=1)",
    "the end": "bench.close()",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, dict[str, str]]:
    """What each cell shows, by MIME type."""
    v4: Any = nbformat.v4  # its functions have no types
    notebook = v4.new_notebook()
    notebook.cells = [v4.new_code_cell(source) for source in (START, *CELLS.values())]
    client: Any = NotebookClient(notebook, timeout=300, kernel_name="python3")
    client.execute()
    _, *cells = notebook.cells
    shown = zip(CELLS, cells, strict=True)
    return {name: cell.outputs[0].data for name, cell in shown if cell.outputs}


def pictures(html: str) -> list[Image.Image]:
    addresses = re.findall(r"data:image/png;base64,([^\"]+)", html)
    return [Image.open(BytesIO(b64decode(address))) for address in addresses]


def test_a_result_is_a_picture_with_scale_table_and_origin(outputs: dict[str, Any]) -> None:
    html = outputs["a picture"]["text/html"]
    (picture,) = pictures(html)
    assert picture.size == (32, 32)
    assert "Red speaks for cat, blue against; full colour is ±" in html
    assert "<td>airplane</td>" in html or "<td>cat</td>" in html
    assert "weights_sha256" in html
    assert outputs["a picture"]["text/plain"].startswith("evidence, cifar10-128-8-k3, cpu float32")


def test_nothing_runs_and_nothing_is_fetched(outputs: dict[str, Any]) -> None:
    for output in outputs.values():
        page = output.get("text/html", "")
        assert "<script" not in page and "http" not in page
        assert len(page) < 200_000


def test_what_has_no_picture_is_its_table(outputs: dict[str, Any]) -> None:
    html = outputs["a table"]["text/html"]
    assert pictures(html) == [] and "<th>mean_r2</th>" in html


def test_an_explanation_shows_its_three_results(outputs: dict[str, Any]) -> None:
    html = outputs["three results"]["text/html"]
    assert len(pictures(html)) == 3
    assert "cat, 9" in html and "σ 0.0, " in html


def test_a_result_without_provenance_is_its_text(outputs: dict[str, Any]) -> None:
    assert outputs["made by hand"].keys() == {"text/plain"}
