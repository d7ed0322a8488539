"""Turns a finished run into the files that ship: weights, log, history and card in one folder.

python -m convmixer_viz.training.zoo RUN DATA pretrained NAME…
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from convmixer_viz.engine import hardware, runtime
from convmixer_viz.presets.log import PART, Measured, TrainingLog, read
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.training import cards
from convmixer_viz.training.evaluation import Evaluation, evaluate
from convmixer_viz.weights import checkpoint


def ship(name: str, run: Path, data_dir: Path, pretrained: Path) -> TrainingLog:
    """Copy a finished run's files, measure the shipped weights on the CPU and write the card."""
    for suffix in (".safetensors", ".history.safetensors"):
        if (run / f"{name}{suffix}").exists():
            shutil.copyfile(run / f"{name}{suffix}", pretrained / f"{name}{suffix}")
    return record(read(run / f"{name}.json"), data_dir, pretrained)


def record(log: TrainingLog, data_dir: Path, pretrained: Path) -> TrainingLog:
    """Measure a preset's shipped weights and write log and card beside them."""
    measured = replace(log, measured=measure(pretrained / f"{log.preset}.safetensors", data_dir))
    (pretrained / f"{log.preset}.json").write_text(measured.dumps())
    (pretrained / f"{log.preset}.md").write_text(cards.card(measured))
    return measured


def measure(weights: Path, data_dir: Path) -> Measured:
    """`evaluate` of one file on the CPU in exact mode."""
    model = load(weights)
    result, part = result_of(model, data_dir, 1), result_of(model, data_dir, PART)
    return Measured(
        model.weights_sha256,
        hardware.describe("cpu"),
        result.pictures,
        result.right,
        result.right_5,
        result.calibration_error,
        part.pictures,
        part.right,
    )


def result_of(model: runtime.LoadedModel, data_dir: Path, every: int) -> Evaluation:
    """The result of a whole evaluation, over every n-th picture."""
    *_, last = evaluate(model, data_dir, every=every)
    assert last.partial is not None
    return last.partial


def load(weights: Path) -> runtime.LoadedModel:
    """One of our own files on the CPU in exact mode."""
    file = checkpoint.read(weights)
    preset = PRESETS[file.preset or weights.stem]
    names = file.class_names or tuple(map(str, range(file.class_count)))
    return runtime.load(
        preset, file.module(), class_names=names, sha256=file.sha256, device="cpu", mode="exact"
    )


if __name__ == "__main__":
    run_dir, data_dir, target, *names = sys.argv[1:]
    for name in names:
        print(cards.card(ship(name, Path(run_dir), Path(data_dir), Path(target))))
