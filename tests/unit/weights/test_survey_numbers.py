"""The numbers that ship: of these weights, small, and the counts that training measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.survey import SurveyNumbers
from convmixer_viz.weights import locate, survey_numbers
from convmixer_viz.weights.facts import preset_facts
from tests.unit.questions.test_survey import said

LARGEST = 300_000  # bytes
FILES = sorted((Path(__file__).parents[3] / "pretrained").glob(f"*{survey_numbers.SUFFIX}"))
SHIPPED = [path.name.removesuffix(survey_numbers.SUFFIX) for path in FILES]


def numbers_of(name: str) -> SurveyNumbers:
    numbers = survey_numbers.read(PRESETS[name])
    assert numbers is not None
    return numbers


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_is_small_and_of_the_weights_beside_it(name: str) -> None:
    preset, numbers = PRESETS[name], numbers_of(name)
    file = locate.companion_file(preset, survey_numbers.SUFFIX)
    assert file is not None and file.stat().st_size <= LARGEST
    shape = preset.shape
    assert numbers.class_answers.shape == (2, shape.depth, shape.dim, preset.class_count)
    assert numbers.silent.shape == (2, shape.depth, shape.dim)
    assert numbers.probe.shape == (shape.depth + 1,)
    assert numbers.classes == locate.class_names(preset)
    assert 0 <= numbers.selectivity.min() <= numbers.selectivity.max() <= 1


@pytest.mark.parametrize("name", SHIPPED)
def test_its_accuracy_is_that_of_training_to_the_picture(name: str) -> None:
    numbers = numbers_of(name)
    right = int(np.trace(numbers.confusion))
    assert right == round(len(numbers) * preset_facts(PRESETS[name])["top1"] / 100)
    assert numbers.calibration.pictures.sum() == len(numbers)
    assert numbers.calibration.right.sum() == right


def test_what_is_packed_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survey = said(0, 1, 1, 0, 0, 0)
    survey = replace(survey, class_answers=np.full((2, 1, 4, 3), 0.5))
    content = survey_numbers.pack(survey, np.array([0.25, 0.5]))
    file = tmp_path / "x.npz"
    file.write_bytes(content)
    monkeypatch.setattr(locate, "companion_file", lambda *_: file)
    preset = PRESETS["cifar10-256-8"]
    assert survey_numbers.read(preset) is None  # of other weights
    where = replace(locate.location(preset), sha256="")
    monkeypatch.setattr(locate, "location", lambda _: where)
    back = survey_numbers.read(preset)
    assert back is not None and back.data == "a" and back.classes == ("a", "b", "c")
    assert np.array_equal(back.confusion, survey.confusion) and len(back) == 6
    assert back.calibration.error == survey.calibration.error
    assert back.probe.tolist() == [0.25, 0.5] and (back.class_answers == 0.5).all()


def test_without_a_file_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "companion_file", lambda *_: None)
    assert survey_numbers.read(PRESETS["cifar10-256-8"]) is None
