"""A whole run of the tiny recipe: what it learns, writes and refuses, and how it resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.presets.log import read
from convmixer_viz.presets.table import Transform
from convmixer_viz.training import layers, loop, recipes, run as runs
from convmixer_viz.training.augment import augment, normalise
from convmixer_viz.training.loop import Progress, train
from convmixer_viz.training.recipes import SCHEDULES, Recipe
from convmixer_viz.training.run import Run
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


def by_hand(run: Run) -> None:
    """The steps of a default recipe as they were before it had any choice of optimizer."""
    model, steps = run.model, run.recipe.epochs * run.steps
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.005, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.02, steps + 1, pct_start=0.3, anneal_strategy="linear", cycle_momentum=False
    )
    for at in range(1, steps + 1):
        if at % run.steps == 1:
            batches = loop._order(run, at // run.steps + 1)
        batch = next(batches)
        pixels, labels = run.train.pixels[batch], run.train.labels[batch]
        drawn, targets = augment(pixels, labels, run.recipe, classes=2, seed=at)
        with run.autocast():
            logits = model.train()(normalise(drawn, run.preset.transform))
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=0.1)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        cycle.step()


def test_a_default_recipe_trains_as_ever_to_the_last_bit(
    tiny: Recipe, pictures: Path, tmp_path: Path
) -> None:
    run(pictures, tmp_path / "ours")
    plain = runs.start(tiny, pictures, tmp_path / "plain", "cpu")
    by_hand(plain)
    for name, tensor in plain.model.state_dict().items():
        saved = weights(tmp_path / "ours")[name]
        assert torch.equal(saved, tensor.to(saved.dtype)), name


def test_muon_takes_the_pointwise_matrices_alone(
    tiny: Recipe, pictures: Path, tmp_path: Path
) -> None:
    started = runs.start(replace(tiny, muon=0.1), pictures, tmp_path, "cpu")
    adamw, muon = started.optimizers
    shapes = [tuple(w.shape) for w in muon.param_groups[0]["params"]]
    assert shapes == [(8, 8, 1, 1)] * 2
    count = sum(len(one.param_groups[0]["params"]) for one in (adamw, muon))
    assert count == len(list(started.model.parameters()))


def rates(tiny: Recipe, pictures: Path, out: Path, **options: object) -> list[list[float]]:
    """The rate of every step, a list an optimizer."""
    recipe = replace(tiny, epochs=4, **options)  # type: ignore[arg-type]
    started = runs.start(recipe, pictures, out, "cpu")
    taken: list[list[float]] = [[] for _ in started.optimizers]
    for _ in range(20):
        for place, optimizer in enumerate(started.optimizers):
            taken[place].append(optimizer.param_groups[0]["lr"])
        loop._learn(started)
    return taken


def test_schedules_rise_to_each_peak_and_end_low(
    tiny: Recipe, pictures: Path, tmp_path: Path
) -> None:
    by_name = {name: rates(tiny, pictures, tmp_path, muon=0.1, schedule=name) for name in SCHEDULES}
    for name, (adamw, muon) in by_name.items():
        assert max(adamw) == pytest.approx(0.02, rel=0.05), name
        assert muon[1:] == pytest.approx([5 * rate for rate in adamw[1:]], rel=1e-3), name
        assert adamw[-1] < 0.15 * 0.02, name
    assert by_name["trapezoid"][0].count(0.02) == 8  # of 20, between 30 and 60 %
    middle = {name: adamw[8] for name, (adamw, _) in by_name.items()}
    assert middle["linear"] < middle["cosine"] < middle["trapezoid"]


def test_every_option_at_once_resumes_to_the_same_weights(
    tiny: Recipe, pictures: Path, tmp_path: Path
) -> None:
    changes = {"muon": 0.1, "average": 0.9, "alternate": True, "schedule": "trapezoid"}
    changes |= {"small": 8, "small_share": 0.4}
    run(pictures, tmp_path / "whole", changes=changes)
    for step in train("tiny", pictures, tmp_path / "cut", device="cpu", changes=changes):
        if (step.epoch, step.step) == (2, 3):
            break
    run(pictures, tmp_path / "cut", changes=changes, resume=True)
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(weights(tmp_path / "cut")[name], tensor), name
    log = read(tmp_path / "cut" / "tiny.json")
    assert log.recipe["muon"] == 0.1 and log.recipe["schedule"] == "trapezoid"
    assert "alternate=yes" in log.command


def test_early_epochs_see_small_pictures(
    tiny: Recipe, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []

    def seen(pixels: torch.Tensor, transform: Transform) -> torch.Tensor:
        sides.append(pixels.shape[-1])
        return normalise(pixels, transform)

    monkeypatch.setattr(loop, "normalise", seen)
    run(pictures, tmp_path, changes={"small": 12, "small_share": 0.5, "epochs": 4})
    assert sides == 2 * (5 * [12] + [16]) + 2 * (5 * [16] + [16])  # an epoch, then the test set


def test_the_history_is_of_what_ships(tiny: Recipe, pictures: Path, tmp_path: Path) -> None:
    run(pictures, tmp_path, changes={"average": 0.9})
    kernels = load_file(tmp_path / "tiny.history.safetensors")["depthwise"]
    shipped = [w for name, w in weights(tmp_path).items() if w.shape[1:] == (1, 3, 3)]
    assert len(shipped) == 2
    for place, weight in enumerate(shipped):
        assert torch.equal(kernels[-1, place], weight[:, 0])


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
