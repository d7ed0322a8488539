"""Counts with known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.training import evaluation
from convmixer_viz.training.data import LabelledPictures
from convmixer_viz.training.evaluation import Evaluation, evaluate
from tests.conftest import TINY, loaded
from tests.unit.training.conftest import write_pictures


class Oracle:
    """A model whose answers are these logits, picture by picture."""

    def __init__(self, logits: Tensor) -> None:
        self.preset, self.device, self.answers = TINY, "cpu", logits
        self.class_names = tuple(map(str, range(logits.shape[1])))

    def place(self, pixels: Tensor) -> Tensor:
        return pixels

    def logits(self, pixels: Tensor) -> Tensor:
        return self.answers


def counted(logits: Tensor, labels: list[int]) -> Evaluation:
    model, classes = Oracle(logits), logits.shape[1]
    counts = evaluation._zero(classes)
    pixels = torch.zeros(len(labels), 3, 16, 16, dtype=torch.uint8)
    part = LabelledPictures(pixels, torch.tensor(labels), model.class_names)
    evaluation._count(model, part, counts)  # type: ignore[arg-type]
    return evaluation._result(model, counts)  # type: ignore[arg-type]


def test_known_counts() -> None:
    logits = torch.arange(7).float().repeat(4, 1)  # says 6, then 5, 4, 3, 2
    result = counted(logits, [6, 6, 2, 1])
    assert (result.pictures, result.right, result.right_5) == (4, 2, 3)
    assert (result.top1, result.top5) == (0.5, 0.75)
    assert result.confusion[[6, 2, 1], 6].tolist() == [2, 1, 1] and result.confusion.sum() == 4


def test_known_calibration_error() -> None:
    """80 % sure of everything and right half of the time: off by 0.3."""
    sure = torch.log(torch.tensor([0.8, 0.2])).repeat(10, 1)
    result = counted(sure, [0] * 5 + [1] * 5)
    assert result.calibration_error == pytest.approx(0.3, abs=1e-6)
    mixed = torch.cat([sure, torch.log(torch.tensor([[0.45, 0.55]] * 10))])
    result = counted(mixed, [0] * 8 + [1] * 2 + [1] * 3 + [0] * 7)
    assert result.calibration_error == pytest.approx((0.0 + 0.25) / 2, abs=1e-6)
    assert counted(torch.tensor([[200.0, 0.0]]), [0]).calibration_error == 0


def test_a_folder_is_counted_whole_and_unreadable_pictures_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, 9, 0)
    (tmp_path / "dark" / "03.png").write_bytes(b"")
    model = named("dark", "light")
    steps = list(evaluate(model, tmp_path))
    result = steps[-1].partial
    assert result is not None and all(step.partial is None for step in steps[:-1])
    assert steps[-1].done == steps[-1].total
    assert result.pictures == result.confusion.sum() == 17
    assert result.unreadable[0].startswith("dark/03.png")
    assert 0 < result.right < 17 and result.images_per_second > 0
    *_, part = evaluate(model, tmp_path, every=4)
    assert part.partial is not None and part.partial.pictures == 5


def test_wrong_classes_are_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1, 0)
    with pytest.raises(DataError, match=r"2 classes, tiny 10"):
        next(evaluate(loaded(), tmp_path))


def test_folders_are_matched_by_name(tmp_path: Path) -> None:
    write_pictures(tmp_path, 9, 0)
    for number in range(4):
        (tmp_path / "light" / f"{number:02d}.png").unlink()
    right = [
        next(step.partial.right for step in evaluate(named(*names), tmp_path) if step.partial)
        for names in (("dark", "light"), ("Light", "dark"), ("0", "1"))
    ]
    assert right[1] == 14 - right[0] and right[2] == right[0] != 7
    with pytest.raises(ChoiceError, match="'dark' is no class of this preset"):
        next(evaluate(named("tench", "light"), tmp_path))
    (tmp_path / "dark").rename(tmp_path / "n01440764")
    (tmp_path / "light").rename(tmp_path / "n02102040")
    assert next(evaluate(named("tench", "English springer"), tmp_path)).total
    with pytest.raises(ChoiceError, match="choose 1"):
        next(evaluate(named("dark", "light"), tmp_path, every=0))


def named(*names: str) -> LoadedModel:
    preset = replace(TINY, class_count=len(names), class_set="imagenette")
    return replace(loaded(preset), class_names=names)
