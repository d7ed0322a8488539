"""A result as files: what a spreadsheet makes of its table."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from convmixer_viz.export import files
from convmixer_viz.questions.representation import Representation


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(start: str) -> None:
    name = f"{start}1+1"

    class Named(Representation):
        def rows(self) -> list[dict[str, object]]:
            return [{"name": name, "plain": "a=1", "number": -1.5, "count": np.int64(-2)}]

    result = Named.__new__(Named)
    (row,) = csv.DictReader(io.StringIO(files.csv_text(result), newline=""))
    assert row == {"name": f"'{name}", "plain": "a=1", "number": "-1.5", "count": "-2"}
