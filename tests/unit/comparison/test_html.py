"""A comparison's page escapes what strangers named, and says which rows it lacks."""

from __future__ import annotations

from contextlib import closing

import plotly.graph_objects as go
import pytest

from convmixer_viz.catalog import PREDICTION
from convmixer_viz.comparison import html
from convmixer_viz.comparison.against_first import Gallery
from convmixer_viz.comparison.rows import Row
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.workbench import Workbench

BAD = "<script>alert('cat & dog')</script>"


@pytest.fixture(scope="module")
def result() -> Prediction:
    with closing(Workbench("cpu")) as bench:
        return bench.run(PREDICTION, ["gallery:cat"], preset="cifar10-128-8-k3", random=0)


def row(columns: int) -> Row[Prediction]:
    return Row(
        "prediction",
        BAD,
        PREDICTION,
        lambda results: [{"preset": BAD, BAD: 1.0}, {"preset": "b", "more": None}],
        figures=lambda results: [go.Figure() for _ in results],
        against_first=lambda results: [("", None), (BAD, go.Figure())],
        galleries=lambda results: [Gallery("b", "long", BAD, [(b"png", BAD)] * columns, "none")],
        sentence=lambda results: BAD,
        reading=BAD,
    )


def body(page: bytes) -> str:
    """Without plotly's script."""
    text = page.decode()
    return text[: text.index("<script type=")] + text[text.index("<h2>") :]


def test_nothing_that_a_stranger_named_runs(result: Prediction) -> None:
    text = body(html.page(BAD, [(row(1), [result] * 2)], [BAD]))
    assert "alert('" not in text and "alert(&#39;cat &amp; dog" in text
    assert text.count("&lt;script&gt;") == 12


def test_columns_wrap_and_what_is_empty_takes_no_place(result: Prediction) -> None:
    text = body(html.page("a · b", [(row(6), [result] * 2)]))
    assert text.count("repeat(4, 1fr)") == 1 and text.count("repeat(2, 1fr)") == 1
    assert text.count("repeat(1, 1fr)") == 1 and text.count("plotly-graph-div") == 3
    bare = Row("prediction", "title", PREDICTION, lambda results: [{"preset": "a"}])
    text = body(html.page("a · b", [(bare, [result])]))
    assert "class=row" not in text and "<p>" not in text
    assert text.count("<td>a</td>") == 1


def test_a_cell_that_a_row_lacks_is_empty(result: Prediction) -> None:
    text = body(html.page("a · b", [(row(1), [result] * 2)]))
    assert "<tr><td>b</td><td></td><td>None</td></tr>" in text


def test_rows_that_are_not_there_are_told() -> None:
    page = html.page("a · b", [], ["needs 4 pictures"]).decode()
    assert page.endswith("</script>\n\n<p>needs 4 pictures</p>\n\n</body></html>")
