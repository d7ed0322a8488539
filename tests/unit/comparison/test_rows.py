"""Presets side by side: targets by name, one scale, agreement with the first column."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convmixer_viz import cli
from convmixer_viz.catalog import EVIDENCE
from convmixer_viz.comparison import rows
from convmixer_viz.comparison.columns import beside, requests
from convmixer_viz.errors import ChoiceError
from convmixer_viz.export import files
from convmixer_viz.pictures.decode import load
from convmixer_viz.workbench import Workbench

NAMES = "tiny,tiny-imagenette"
pytestmark = pytest.mark.usefixtures("tiny_presets")


@pytest.fixture
def bench() -> Iterator[Workbench]:
    bench = Workbench("cpu")
    yield bench
    bench.close()


def test_a_target_is_a_name_and_who_lacks_it_explains_its_own(bench: Workbench) -> None:
    (row,) = rows.choose(["evidence"], 1)
    asked = requests(
        bench, row, beside(NAMES.split(",")), [load("gallery:cat")], random=0, target="dog"
    )
    assert [request.options.target for request in asked] == ["5", None]


def test_a_class_that_nobody_knows_is_refused_and_a_number_is_the_first_presets(
    bench: Workbench,
) -> None:
    (row,) = rows.choose(["evidence"], 1)
    names, cat = NAMES.split(","), [load("gallery:cat")]
    with pytest.raises(ChoiceError, match="no class 'dgo'"):
        requests(bench, row, beside(names), cat, target="dgo")
    first, second = requests(bench, row, beside(names), cat, target="3", random=0)
    assert (first.options.target, second.options.target) == ("3", None)
    _, both = requests(bench, row, beside(names), cat, target="tench", against="cat", random=0)
    assert both.options.target is None and both.options.against is None


def test_equal_maps_agree_fully_and_scales_are_shared(bench: Workbench) -> None:
    (row,) = rows.choose(["evidence"], 1)
    columns, cat = beside(["tiny", "tiny-other"]), [load("gallery:cat")]
    asked = requests(bench, row, columns, cat, random=0, target="cat")
    results = [bench.finish(request) for request in asked]
    same, other = row.numbers(results)
    assert (same["rank"], same["overlap"]) == (pytest.approx(1.0), 1.0)
    assert other["rank"] < 0.99
    limits = {
        figure.layout.coloraxis.cmax or figure.data[-1].zmax for figure in row.figures(results)
    }
    assert len(limits) == 1
    results[1] = replace(results[1], target_name="dog")
    assert "rank" not in row.numbers(results)[1], "maps of different classes aren't ranked"
    assert [figure for _, figure in row.against_first(results)] == [None, None]
    (line,) = rows.summary([(row, results)])
    assert (line["tiny"], line["tiny-other"]) == ("cat, 1", "dog")


def test_the_scale_is_that_of_the_maps_that_are_drawn(bench: Workbench) -> None:
    (row,) = rows.choose(["evidence"], 1)
    options: dict[str, Any] = {"preset": "cifar10-128-8-k5", "random": 0, "blocks": (0,)}
    result = bench.run(EVIDENCE, ["gallery:cat"], **options)
    (figure,) = row.figures([result])
    assert figure.data[0].zmax == pytest.approx(np.abs(result.exact).max())


def test_presets_of_other_classes_are_not_compared_by_label(bench: Workbench) -> None:
    (row,) = rows.choose(["prediction"], 1)
    asked = requests(bench, row, beside(NAMES.split(",")), [load("gallery:cat")], random=0)
    _, other = row.numbers([bench.finish(request) for request in asked])
    assert "divergence (bit)" not in other


def test_an_unnamed_row_that_needs_more_pictures_is_left_out_and_told() -> None:
    few, enough = rows.choose([], 3), rows.choose([], 4)
    assert {row.name for row in enough} - {row.name for row in few} == {"representation"}
    assert rows.left_out(few, []) == ["The row representation needs 4 pictures or more."]
    assert rows.left_out(enough, []) == rows.left_out(few[:1], ["prediction"]) == []
    with pytest.raises(ChoiceError, match="There is no row 'colour'"):
        rows.choose(["colour"], 1)


def test_a_named_row_that_needs_more_pictures_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [row.name for row in rows.choose(["representation"], 4)] == ["representation"]
    line = ["compare", "gallery:cat", "--rows", "prediction,representation"]
    assert cli.main([*line, "--out", str(tmp_path / "out")]) == 2
    sentence = "The row representation needs 4 pictures or more, not 1: add pictures or a folder."
    assert capsys.readouterr().err == f"error: {sentence}\n"
    assert not (tmp_path / "out").exists()


def test_the_command_writes_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["compare", "--presets", NAMES, "--rows", "prediction,evidence", "--random", "0"]
    assert cli.main([*line, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("What they say\npreset")
    text = (tmp_path / "compare.html").read_text()
    assert text.count("plotly-graph-div") == 4
    assert "http" not in text.split("<body>")[1].split('id="plotly"')[0]
    assert (tmp_path / "tiny-imagenette" / "evidence.npz").is_file()


def test_the_report_holds_all_that_the_page_shows(tmp_path: Path) -> None:
    line = ["compare", "gallery:cat", "gallery:dot", "gallery:moon", "gallery:coins"]
    names = ["tiny", "tiny-other"]
    views = ["prediction", "evidence", "receptive-field", "representation"]
    line += [
        "--random",
        "0",
        "--target",
        "cat",
        "--presets",
        ",".join(names),
        "--rows",
        ",".join(views),
    ]
    assert cli.main([*line, "--out", str(tmp_path)]) == 0
    text = html.unescape((tmp_path / "compare.html").read_text())
    assert "The row" not in text
    result = files.load(tmp_path / names[1], "representation")
    for row in rows.choose(views, 4):
        results = [files.load(tmp_path / name, row.analysis.name) for name in names]
        assert row.sentence(results) in text
    assert all(text.count(f'"{field}"') == 2 * 4 for field in ("weights_sha256", "versions"))
    assert all(sha256 in text for sha256 in result.provenance.images)
    assert rows.SIGNED in text and f"{names[1]} minus {names[0]}" in text
    assert text.count(f"CKA of {names[0]} with") == 2 and text.count("Differ most: ") == 4
    assert text.count("plotly-graph-div") == 2 + (2 + 1) + (1 + 1) + 2


@pytest.mark.parametrize("names", ["cifar10-256-8", "a,b", "cifar10-256-8,cifar10-256-8"])
def test_what_is_no_comparison_is_refused(
    names: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", "--presets", names, "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_an_edited_preset_stands_beside_itself(bench: Workbench) -> None:
    columns = beside(["tiny", "tiny-other"], ["off:blocks=2"])
    assert [column.title for column in columns] == ["tiny", "tiny edited", "tiny-other"]
    row = next(row for row in rows.ROWS if row.name == "prediction")
    asked = requests(bench, row, columns, [load("gallery:cat")], random=0)
    results = [bench.finish(request) for request in asked]
    assert [len(request.key.edits) for request in asked] == [0, 1, 0]
    lines = row.numbers(results)
    assert [line["preset"] for line in lines] == ["tiny", "tiny edited", "tiny-other"]
    assert lines[1]["divergence (bit)"] > 0
