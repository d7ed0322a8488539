"""Samples are drawn by a seed, and a journal goes on where it was."""

from __future__ import annotations

from pathlib import Path

from tests.findings import samples
from tests.findings.samples import Journal


def folder(path: Path, count: int = 20) -> Path:
    for name in ("cat", "dog"):
        for number in range(count):
            (path / name).mkdir(exist_ok=True)
            (path / name / f"{number:02}.png").touch()
    return path


def test_classes_take_turns_and_the_order_within_one_is_drawn(tmp_path: Path) -> None:
    paths = samples.draw(folder(tmp_path), 40)
    assert [path.parent.name for path in paths] == ["cat", "dog"] * 20
    cats, dogs = ([path.name for path in paths[start::2]] for start in (0, 1))
    assert sorted(cats) == sorted(dogs) == [f"{number:02}.png" for number in range(20)]
    assert cats != sorted(cats) and dogs != sorted(dogs) and cats != dogs


def test_a_seed_decides_a_sample_and_a_smaller_one_is_its_beginning(tmp_path: Path) -> None:
    folder(tmp_path)
    assert samples.draw(tmp_path, 10) == samples.draw(tmp_path, 40)[:10]
    assert samples.draw(tmp_path, 10) != samples.draw(tmp_path, 10, seed=1)


def test_a_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "lines.jsonl"
    Journal(file).add({"picture": "a", "method": "rise", "valid": True})
    again = Journal(file)
    again.add({"picture": "b", "method": "rise", "valid": False})
    assert again.lines == Journal(file).lines and len(again.lines) == 2
    assert again.find(picture="a", method="rise") and again.find(method="rise", valid=False)
    assert again.find(picture="b", method="saliency") is None


def test_markdown_draws_its_head_apart() -> None:
    table = samples.markdown([["a", "b"], ["1", "2"]])
    assert table.splitlines() == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
