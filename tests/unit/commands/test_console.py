"""Tables and progress as a terminal shows them."""

from __future__ import annotations

from typing import Any

import pytest

from convmixer_viz.commands import console
from convmixer_viz.contract import Step, clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (42, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert clock(seconds) == text
    assert Step(1, 2, None, seconds).describe().endswith(f"{text} left")


def test_tables_line_up() -> None:
    rows: list[dict[str, Any]] = [{"a": 1, "b": 0.123456}, {"a": 200, "b": None}]
    assert console.as_table(rows) == "a    b\n1    0.1235\n200  None"


def test_words_from_outside_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "cat\x1b[2J\x1b]0;title\x07\nsecond" + "x" * 10**6
    console.tell(hostile)
    printed = capsys.readouterr().err + console.as_table([{"name": hostile}])
    assert "\x1b" not in printed and "\x07" not in printed
    assert len(printed.splitlines()) == 3 and len(printed) < 10_000
