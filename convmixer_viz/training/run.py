"""One training run: its parts as a new run starts, and its state on disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convmixer_viz.engine import allocator, hardware, runtime
from convmixer_viz.errors import DataError
from convmixer_viz.model.convmixer import ConvMixer, initialise
from convmixer_viz.presets.log import TrainingLog, loads
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.training import data, files, history, layers, recipes
from convmixer_viz.training.data import LabelledPictures
from convmixer_viz.training.recipes import Recipe


@dataclass(slots=True)
class Run:
    """Everything that a run works on; `log`, `moments` and the learner's state change."""

    recipe: Recipe
    preset: Preset
    device: str
    folder: Path
    train: LabelledPictures
    test: LabelledPictures
    log: TrainingLog
    model: ConvMixer
    optimizer: Optimizer
    schedule: LRScheduler
    average: AveragedModel | None
    moments: dict[int, dict[str, Tensor]] = field(default_factory=dict)  # epoch → kernels

    @property
    def steps(self) -> int:
        """Steps of one epoch; pictures that don't fill a last batch wait for another epoch."""
        return len(self.train) // self.recipe.batch

    @property
    def done(self) -> int:
        """Epochs done."""
        return len(self.log.epochs)

    @property
    def result(self) -> nn.Module:
        """What is measured and ships."""
        return self.model if self.average is None else self.average.module

    def path(self, suffix: str) -> Path:
        return self.folder / f"{self.preset.name}{suffix}"

    def autocast(self) -> AbstractContextManager[Any]:
        kind = self.device.split(":")[0]
        return torch.autocast(kind, torch.bfloat16, enabled=self.log.precision == "bfloat16")


def start(recipe: Recipe, data_dir: Path, out_dir: Path, device: str) -> Run:
    """A new run: pictures in memory on the device, weights drawn from the recipe's seed."""
    device = runtime.choose(device)
    files.make_folder(out_dir)
    preset = PRESETS[recipe.preset]
    train = _place(data.load(data_dir, "train", preset.transform), device)
    test = _place(data.load(data_dir, "test", preset.transform), device)
    _check(recipe, preset, train, test)
    log = _new_log(recipe, device, train, test)
    learner = _learner(recipe, device, len(train) // recipe.batch)
    run = Run(recipe, preset, device, out_dir, train, test, log, *learner)
    run.moments[0] = history.snapshot(run.model)
    return run


def _check(recipe: Recipe, preset: Preset, train: LabelledPictures, test: LabelledPictures) -> None:
    if train.classes != test.classes or len(train.classes) != preset.class_count:
        raise DataError(
            f"{preset.name} has {preset.class_count} classes, the data {len(train.classes)} to "
            f"train and {len(test.classes)} to test: give the same folders for both."
        )
    if len(train) < recipe.batch:
        raise DataError(f"{len(train)} pictures don't fill one batch of {recipe.batch}: add more.")


def _place(pictures: LabelledPictures, device: str) -> LabelledPictures:
    pixels, labels = pictures.pixels.to(device), pictures.labels.to(device)
    return replace(pictures, pixels=pixels, labels=labels)


def _learner(
    recipe: Recipe, device: str, steps: int
) -> tuple[ConvMixer, Optimizer, LRScheduler, AveragedModel | None]:
    """Model, optimizer, schedule and the average, as a run of `steps` an epoch starts."""
    preset = PRESETS[recipe.preset]
    model = ConvMixer(preset.shape, preset.class_count)
    initialise(model, recipe.seed)
    if device == "cpu":
        allocator.keep(everything=True)
        model = layers.replace(model) if layers.compiler() else model
    model = model.to(device).to(memory_format=torch.channels_last)
    optimizer = AdamW(model.parameters(), lr=0.0, weight_decay=recipe.weight_decay, fused=True)
    schedule = OneCycleLR(
        optimizer,
        recipe.learning_rate,
        recipe.epochs * steps + 1,
        pct_start=recipe.warm_share,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    if not recipe.average:
        return model, optimizer, schedule, None
    decay = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
    return model, optimizer, schedule, AveragedModel(model, multi_avg_fn=decay, use_buffers=True)


def _new_log(
    recipe: Recipe, device: str, train: LabelledPictures, test: LabelledPictures
) -> TrainingLog:
    return TrainingLog(
        preset=recipe.preset,
        recipe=asdict(recipe),
        command=recipes.command(recipe),
        machine=hardware.describe(device),
        precision=_precision(device),
        versions=hardware.versions(),
        pictures={"train": len(train), "test": len(test)},
        unreadable=[*train.unreadable, *test.unreadable],
    )


def _precision(device: str) -> str:
    """bfloat16 where it is fast: on a CPU it needs the processor and the own weight gradient."""
    fast = device != "cpu" or (hardware.native_bf16() and layers.compiler())
    return "bfloat16" if fast else "float32"


def restore(run: Run) -> None:
    """Take up the run whose state stands in the folder; another recipe's is refused."""
    state = files.read_state(run.path(".state.pt"))
    log = loads(state["log"])
    if log.recipe != loads(run.log.dumps()).recipe:
        raise DataError(
            f"The run in {run.folder} has another recipe ({log.recipe['epochs']} epochs, seed "
            f"{log.recipe['seed']}): repeat its command, {log.command!r}, or choose a folder."
        )
    run.log.epochs.extend(log.epochs)
    run.moments = state["moments"]
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.schedule.load_state_dict(state["schedule"])
    if run.average is not None:
        run.average.load_state_dict(state["average"])


def save(run: Run) -> None:
    """State, log and history of the epochs done; the weights too after the last one."""
    tensors = history.stacked(run.moments)
    files.write(run.path(".history.safetensors"), lambda part: files.save_tensors(part, tensors))
    files.write(run.path(".json"), lambda part: part.write_text(run.log.dumps(), "utf-8"))
    if run.done == run.recipe.epochs:
        files.save_weights(run.path(".safetensors"), run.result, run.preset, run.train.classes)
    files.write(run.path(".state.pt"), lambda part: torch.save(_state(run), part))


def _state(run: Run) -> dict[str, Any]:
    return {
        "log": run.log.dumps(),
        "moments": run.moments,
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "schedule": run.schedule.state_dict(),
        "average": run.average.state_dict() if run.average is not None else None,
    }
