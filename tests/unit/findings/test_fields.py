"""How far blocks see against their untrained twins, on lines whose answer is known."""

from __future__ import annotations

from typing import Any

from tests.findings import fields


def line(run: str, *sigmas: float) -> dict[str, Any]:
    radius = [[0.0, sigma * 2] for sigma in sigmas]
    line = {"run": run, "blocks": [0, 1, 2], "sigma_square": list(sigmas), "radius": radius}
    return line | {"weights_only": [0.0, 7.0, 8.0], "null": [0.0, 9.0, 10.0]}


LINES = [
    line("trained", 0, 1, 6),
    line("signs", 0, 3, 4),
    line("twin 0", 0, 1, 3),
    line("twin 1", 0, 2, 4),
    line("twin 2", 0, 3, 5),
]


def test_a_ratio_is_with_the_mean_of_the_twins() -> None:
    rows = {line.split(" | ")[0].strip("| "): line for line in fields.table(LINES).splitlines()}
    assert rows["trained / untrained"] == "| trained / untrained |  | 0.50 | 1.50 |"
    assert rows["σ, untrained"] == "| σ, untrained | 0.00–0.00 | 1.00–3.00 | 3.00–5.00 |"
    assert rows["radius of 90 %, trained"].endswith("| 2.00 | 12.00 |")
    assert rows["σ, random signs"].endswith("| 3.00 | 4.00 |")
    assert rows["σ, from the weights alone"].endswith("| 7.00 | 8.00 |")


def test_the_sentence_tells_the_first_and_the_last_block() -> None:
    assert fields.summary(LINES) == "σ 1.00 px, 6.00 px; over untrained 0.50, 1.50"
