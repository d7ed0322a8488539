"""A result's page: whole without a network, and no name in it runs."""

from __future__ import annotations

import gzip
import re
from contextlib import closing
from dataclasses import replace

import pytest
from plotly.offline import get_plotlyjs

from convmixer_viz.catalog import PREDICTION
from convmixer_viz.export import html
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.workbench import Workbench

BAD = "</script><script>alert('&')</script>"


@pytest.fixture(scope="module")
def result() -> Prediction:
    with closing(Workbench("cpu")) as bench:
        plain = bench.run(PREDICTION, ["gallery:cat"], preset="cifar10-128-8-k3", random=0)
    return replace(plain, names=(BAD,), classes=tuple(BAD for _ in plain.classes))


def test_a_page_holds_figure_script_and_origin(result: Prediction) -> None:
    page = html.page(result)
    assert page.count("plotly-graph-div") == 1 and 'id="plotly"' in page
    assert len(page) < 1_500_000
    assert f"<h1>{PREDICTION.summary}</h1>" in page and "weights_sha256" in page
    assert page.startswith("<!doctype html>") and page.endswith("</body></html>")


def test_the_script_in_the_page_is_of_the_version_that_plotly_carries() -> None:
    packed = gzip.decompress(html.BUNDLE.read_bytes()).decode()
    (ours,), (theirs,) = (
        re.findall(r"plotly\.js .*?v(\S+)", s[:200]) for s in (packed, get_plotlyjs())
    )
    assert ours == theirs


def test_no_name_runs(result: Prediction) -> None:
    assert "alert(" in html.page(result) and BAD not in html.page(result)


def test_a_table_is_escaped() -> None:
    rows = [{BAD: BAD, "x": 0.123456}]
    text = html._environment().from_string(
        '{% import "parts.html" as parts %}{{ parts.table(rows) }}{{ parts.picture(png, text) }}'
    )
    page = text.render(rows=rows, png=b"png", text='"<cat>"')
    assert "<script" not in page and page.count("&lt;script&gt;") == 2
    assert "<td>0.1235</td>" in page
    assert 'src="data:image/png;base64,cG5n" alt="&#34;&lt;cat&gt;&#34;"' in page
