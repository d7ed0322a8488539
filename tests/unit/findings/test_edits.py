"""The tables of edits, from an effect that is written down."""

from __future__ import annotations

from tests.findings import edits
from tests.unit.figures.test_effect import made


def test_a_row_a_change_then_the_controls() -> None:
    anew = {"": made(), "template": made()}
    table = edits.by_change({"template": made()}, [made(), made()], anew)
    head, _, none, template, random, shuffled, eight = table.splitlines()
    assert head.startswith("| change | right | accuracy |")
    assert none == "| none | 180 | 90.0% |  |  |  | 50.0% |"
    assert (
        template
        == "| the nearest template | 100 | 50.0% | 43.1% to 56.9% | 80, 0 | 1.7e-24 | 50.0% |"
    )
    assert random == "| control: random |  | 15.0% | 10.0% to 20.0% over 2 seeds |  |  |  |"
    assert eight.startswith("| control: eight random filters |  | 50.0% | 50.0% to 50.0%")
    assert shuffled.startswith("| control: shuffle |  | 50.0% | 45.0% to 55.0%")


def test_a_row_a_point() -> None:
    *_, first, second = edits.by_point(made()).splitlines()
    assert first.startswith("| block 1 | 100 | 50.0% |")
    assert second == "| block 2 | 170 | 85.0% | 79.4% to 89.3% | 12, 2 | 0.013 |"
