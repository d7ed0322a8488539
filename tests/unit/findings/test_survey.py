"""The table by depth, and that the README holds those of the numbers that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.survey import Calibration, SurveyNumbers
from convmixer_viz.weights import survey_numbers
from tests.findings import survey

ZOO = Path(__file__).parents[3] / "pretrained" / "README.md"


def test_a_row_a_block_with_medians_and_silence() -> None:
    answers = np.zeros((2, 1, 3, 2), np.float16)
    answers[0, 0] = [[1, 0], [3, 1], [1, 1]]  # selectivity 1, 0.5, 0
    silent = np.array([[[4, 4, 0]], [[0, 0, 0]]], np.int32)
    labels, empty = np.array([0, 0, 1, 1], np.int16), np.zeros(15)
    numbers = SurveyNumbers(
        "x", ("a", "b"), labels, labels, Calibration(empty, empty, empty),  # type: ignore[arg-type]
        answers, silent, np.array([0.25, 0.5]),
    )  # fmt: skip
    *_, stem, block = survey.by_depth(numbers).splitlines()
    assert stem == "| stem | 25.0 |  |  |  |" and block == "| 1 | 50.0 | 0.50 | 0.00 | 2 |"


@pytest.mark.parametrize("name", survey.PRESETS)
def test_the_readme_has_the_tables(name: str) -> None:
    numbers = survey_numbers.read(PRESETS[name])
    assert numbers is not None and survey.by_depth(numbers) in ZOO.read_text("utf-8")
