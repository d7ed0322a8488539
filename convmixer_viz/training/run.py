"""One training run: its parts as a new run starts, and its state on disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convmixer_viz.engine import distributed, hardware, runtime
from convmixer_viz.errors import DataError
from convmixer_viz.model.convmixer import ConvMixer, initialise
from convmixer_viz.presets.log import TrainingLog, loads
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.training import data, files, history, layers, recipes
from convmixer_viz.training.data import LabelledPictures
from convmixer_viz.training.muon import Muon
from convmixer_viz.training.recipes import Recipe

FALL = 0.4  # of all steps: a trapezoid's way down


@dataclass(slots=True)
class Run:
    """Everything that a run works on; `log`, `moments` and the model's state change."""

    recipe: Recipe
    preset: Preset
    device: str
    folder: Path
    train: LabelledPictures
    test: LabelledPictures
    log: TrainingLog
    model: ConvMixer
    learner: nn.Module  # the model, or what adds up its gradients over the processes
    optimizers: tuple[Optimizer, ...]  # AdamW first
    schedules: tuple[LRScheduler, ...]  # one an optimizer
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
    def result(self) -> ConvMixer:
        """What the history keeps, what is measured and ships."""
        return self.model if self.average is None else cast(ConvMixer, self.average.module)

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
    parts = _parts(recipe, device, len(train) // recipe.batch)
    run = Run(recipe, preset, device, out_dir, train, test, log, *parts)
    run.moments[0] = history.snapshot(run.result)
    return run


def _check(recipe: Recipe, preset: Preset, train: LabelledPictures, test: LabelledPictures) -> None:
    if train.classes != test.classes or len(train.classes) != preset.class_count:
        raise DataError(
            f"{preset.name} has {preset.class_count} classes, the data {len(train.classes)} to "
            f"train and {len(test.classes)} to test: give the same folders for both."
        )
    if len(train) < recipe.batch:
        raise DataError(f"{len(train)} pictures don't fill one batch of {recipe.batch}: add more.")
    if recipe.batch % distributed.process().size:
        raise DataError(
            f"A batch of {recipe.batch} can't be shared equally by {distributed.process().size} "
            "processes: start another number of them, or choose another batch."
        )


def _place(pictures: LabelledPictures, device: str) -> LabelledPictures:
    pixels, labels = pictures.pixels.to(device), pictures.labels.to(device)
    return replace(pictures, pixels=pixels, labels=labels)


def _parts(
    recipe: Recipe, device: str, steps: int
) -> tuple[
    ConvMixer, nn.Module, tuple[Optimizer, ...], tuple[LRScheduler, ...], AveragedModel | None
]:
    """Model, learner, optimizers, schedules and average, as a run of `steps` an epoch starts."""
    preset = PRESETS[recipe.preset]
    model = ConvMixer(preset.shape, preset.class_count)
    initialise(model, recipe.seed)
    if device == "cpu" and layers.compiler():
        model = layers.replace(model)
    model = layers.share_norms(model) if distributed.connected() else model
    model = model.to(device).to(memory_format=torch.channels_last)
    learner: nn.Module = model
    if distributed.connected():
        learner = DistributedDataParallel(model, broadcast_buffers=False)
    optimizers = _optimizers(recipe, model, getattr(torch, _precision(device)))
    schedules = tuple(_schedule(recipe, one, recipe.epochs * steps) for one in optimizers)
    if not recipe.average:
        return model, learner, optimizers, schedules, None
    decay = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=decay, use_buffers=True)
    return model, learner, optimizers, schedules, average


def _optimizers(recipe: Recipe, model: ConvMixer, dtype: torch.dtype) -> tuple[Optimizer, ...]:
    """AdamW for all, or for what Muon, working in a dtype, leaves; each with its peak rate."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if not recipe.muon:
        return (AdamW(model.parameters(), lr=rate, weight_decay=decay, fused=True),)
    matrices = [block.pointwise.weight for block in model.walk()]
    taken = set(map(id, matrices))
    rest = [weight for weight in model.parameters() if id(weight) not in taken]
    return (
        AdamW(rest, lr=rate, weight_decay=decay, fused=True),
        Muon(matrices, learning_rate=recipe.muon, weight_decay=decay, dtype=dtype),
    )


def _schedule(recipe: Recipe, optimizer: Optimizer, steps: int) -> LRScheduler:
    """From the optimizer's rate as its peak, over all steps of a run."""
    peak, warm = optimizer.param_groups[0]["lr"], recipe.warm_share
    if recipe.schedule == "trapezoid":
        return LambdaLR(
            optimizer,
            lambda done: min(1, (done + 1) / max(1, warm * steps), (steps - done) / (FALL * steps)),
        )
    strategy: Literal["cos", "linear"] = "cos" if recipe.schedule == "cosine" else "linear"
    return OneCycleLR(
        optimizer,
        peak,
        steps + 1,
        pct_start=warm,
        anneal_strategy=strategy,
        cycle_momentum=False,
    )


def _new_log(
    recipe: Recipe, device: str, train: LabelledPictures, test: LabelledPictures
) -> TrainingLog:
    return TrainingLog(
        preset=recipe.preset,
        recipe=asdict(recipe),
        command=recipes.command(recipe),
        machine=_machine(device),
        precision=_precision(device),
        versions=hardware.versions(),
        pictures={"train": len(train), "test": len(test)},
        unreadable=[*train.unreadable, *test.unreadable],
    )


def _machine(device: str) -> str:
    """The device, and of how many processes each has one of its kind."""
    size = distributed.process().size
    return f"{size} × {hardware.describe(device)}" if size > 1 else hardware.describe(device)


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
    for kind in ("optimizers", "schedules"):
        for part, saved in zip(getattr(run, kind), state[kind], strict=True):
            part.load_state_dict(saved)
    if run.average is not None:
        run.average.load_state_dict(state["average"])


def save(run: Run) -> None:
    """State, log (as a table, too) and history of the epochs done, the weights after the last one;
    of several processes the first writes."""
    if distributed.process().rank:
        return
    tensors = history.stacked(run.moments)
    files.write(run.path(".history.safetensors"), lambda part: files.save_tensors(part, tensors))
    files.write(run.path(".json"), lambda part: part.write_text(run.log.dumps(), "utf-8"))
    files.write(run.path(".csv"), lambda part: part.write_text(run.log.as_csv(), newline=""))
    if run.done == run.recipe.epochs:
        files.save_weights(run.path(".safetensors"), run.result, run.preset, run.train.classes)
    files.write(run.path(".state.pt"), lambda part: torch.save(_state(run), part))


def _state(run: Run) -> dict[str, Any]:
    return {
        "log": run.log.dumps(),
        "moments": run.moments,
        "model": run.model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "schedules": [schedule.state_dict() for schedule in run.schedules],
        "average": run.average.state_dict() if run.average is not None else None,
    }
