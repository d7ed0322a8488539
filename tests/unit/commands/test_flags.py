"""Ranges of numbers on the command line."""

from __future__ import annotations

import pytest

from convmixer_viz.commands import flags


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", (3,)), ("1-4", (1, 2, 3, 4)), ("1,3-4", (1, 3, 4)), ("all", ()), ("0", (0,))],
)
def test_numbers_are_read(text: str, numbers: tuple[int, ...]) -> None:
    assert flags.numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "1-", "-", "1,,2", "1-1000000000", "4-1", "2,5-3"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        flags.numbers(text)
