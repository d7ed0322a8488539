"""A result as files: what a spreadsheet makes of its table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from convmixer_viz.analyses.prediction import compute
from convmixer_viz.errors import DataError
from convmixer_viz.export import files
from convmixer_viz.questions.prediction import Options, Prediction
from convmixer_viz.questions.representation import Representation
from tests.conftest import final, loaded
from tests.unit.analyses.questions import picture


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(start: str) -> None:
    name = f"{start}1+1"

    class Named(Representation):
        def rows(self) -> list[dict[str, object]]:
            return [{"name": name, "plain": "a=1", "number": -1.5, "count": np.int64(-2)}]

    result = Named.__new__(Named)
    (row,) = csv.DictReader(io.StringIO(files.csv_text(result), newline=""))
    assert row == {"name": f"'{name}", "plain": "a=1", "number": "-1.5", "count": "-2"}


@pytest.fixture(scope="module")
def result() -> Prediction:
    return final(compute(loaded(), [picture(1), picture(2)], Options(top=2)))


def test_arrays_and_table_are_the_results(result: Prediction) -> None:
    with np.load(io.BytesIO(files.npz_bytes(result))) as stored:
        assert np.array_equal(stored["logits"], result.logits)
        assert set(stored) == set(files.arrays(result)) >= {"logits", "probabilities", "top"}
    rows = list(csv.DictReader(io.StringIO(files.csv_text(result))))
    assert len(rows) == len(result.rows()) == 4
    assert [row["class"] for row in rows] == [row["class"] for row in result.rows()]


def test_the_record_is_plain_and_vouches_for_the_arrays(result: Prediction) -> None:
    npz = files.npz_bytes(result)
    record = json.loads(files.json_text(result, npz))
    assert record["fields"]["names"] == ["noise", "noise"] and "logits" not in record["fields"]
    assert len(record["npz_sha256"]) == 64


def test_files_are_written_all_or_none(tmp_path: Path) -> None:
    assert [p.name for p in files.write({"b": b"1", "a": b"2"}, tmp_path)] == ["b", "a"]
    (tmp_path / "c").mkdir()  # what can't be replaced
    with pytest.raises((DataError, OSError)):
        files.write({"a": b"new", "c/d/e": b"new"}, tmp_path)
    assert (tmp_path / "a").read_bytes() == b"2"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}


def test_a_folder_without_a_result_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 0 results: name another folder"):
        files.load(tmp_path)
