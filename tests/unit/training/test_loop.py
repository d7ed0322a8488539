"""A whole run of the tiny recipe: what it learns, writes and refuses, and how it resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.presets.log import read
from convmixer_viz.training import layers, recipes
from convmixer_viz.training.loop import Progress, train
from convmixer_viz.training.recipes import Recipe
from convmixer_viz.weights import checkpoint
from tests.unit.training.conftest import CLASSES


def run(data: Path, out: Path, **options: object) -> list[Progress]:
    return list(train("tiny", data, out, device="cpu", **options))  # type: ignore[arg-type]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "tiny.safetensors")


def test_a_run_learns_and_writes_everything(tiny: Recipe, pictures: Path, tmp_path: Path) -> None:
    steps = run(pictures, tmp_path / "out")
    rows = [step.row for step in steps if step.row]
    assert len(rows) == 3 and len(steps) == 3 * (5 + 1)
    assert rows[-1].test_accuracy == 1.0 and rows[-1].train_loss < rows[0].train_loss
    last_rate = rows[-1].learning_rate
    assert last_rate is not None and last_rate < 1e-4 * tiny.learning_rate
    log = read(tmp_path / "out" / "tiny.json")
    assert log.epochs == rows and log.pictures == {"train": 40, "test": 14}
    assert log.recipe["seed"] == 0 and log.measured is None
    saved = checkpoint.read(tmp_path / "out" / "tiny.safetensors")
    assert saved.class_names == CLASSES and saved.shape.dim == 8
    assert load_file(tmp_path / "out" / "tiny.history.safetensors")["epochs"].tolist() == [
        0,
        1,
        2,
        3,
    ]


def test_progress_counts_down(tiny: Recipe, pictures: Path, tmp_path: Path) -> None:
    steps = run(pictures, tmp_path / "out")
    assert steps[-1].seconds_left == 0 < steps[0].seconds_left
    assert str(replace(steps[0], seconds_left=3725.2)) == "epoch 1/3  step 1/5  1:02:05 left"


def test_without_a_compiler_it_stays_float32_and_torchs_own(
    tiny: Recipe, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "compiler", lambda: False)
    monkeypatch.setattr(layers, "replace", lambda model: pytest.fail("replaced"))
    run(pictures, tmp_path, epochs=1)
    assert read(tmp_path / "tiny.json").precision == "float32"


def test_the_average_is_what_ships(
    tiny: Recipe, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pictures, tmp_path / "plain")
    monkeypatch.setitem(recipes.RECIPES, "tiny", replace(tiny, average=0.9))
    run(pictures, tmp_path / "averaged")
    plain, averaged = weights(tmp_path / "plain"), weights(tmp_path / "averaged")
    assert list(plain) == list(averaged)
    assert not torch.equal(plain["head.weight"], averaged["head.weight"])


def test_a_run_in_the_way_is_not_overwritten(tiny: Recipe, pictures: Path, tmp_path: Path) -> None:
    run(pictures, tmp_path, epochs=1)
    with pytest.raises(DataError, match="--resume"):
        run(pictures, tmp_path)
    with pytest.raises(DataError, match="another recipe"):
        run(pictures, tmp_path, resume=True)
    assert run(pictures, tmp_path, epochs=1, resume=True) == []


def test_a_full_disk_keeps_the_last_epoch(
    tiny: Recipe, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    steps = train("tiny", pictures, tmp_path / "out", device="cpu")
    for step in steps:
        if step.row:
            break
    with monkeypatch.context() as broken, pytest.raises(DataError, match="No space left"):
        broken.setattr(torch, "save", full)
        list(steps)
    rest = run(pictures, tmp_path / "out", resume=True)
    assert rest[0].epoch == 2
    assert len(read(tmp_path / "out" / "tiny.json").epochs) == 3


def test_left_out_pictures_are_named_once(tiny: Recipe, pictures: Path, tmp_path: Path) -> None:
    (pictures / "train" / "dark" / "00.png").write_bytes(b"")
    notices = [step.notice for step in run(pictures, tmp_path / "out", epochs=1)]
    assert "dark/00.png" in notices[0] and not any(notices[1:])
    assert len(read(tmp_path / "out" / "tiny.json").unreadable) == 1


def test_what_cant_be_trained_is_refused(tiny: Recipe, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="no recipe"):
        next(train("tinier", pictures, tmp_path))
    with pytest.raises(ChoiceError, match="1 or more"):
        run(pictures, tmp_path, epochs=0)
    with pytest.raises(DataError, match="10 classes, the data 2"):
        next(train("cifar10-128-8-k5", pictures, tmp_path, device="cpu"))
    for file in sorted((pictures / "train").rglob("*.png"))[3:-3]:
        file.unlink()
    with pytest.raises(DataError, match="don't fill one batch"):
        run(pictures, tmp_path)
