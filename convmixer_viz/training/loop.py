"""The training loop of all recipes, on CPU and GPU; a killed run goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convmixer_viz.engine import distributed
from convmixer_viz.errors import DataError
from convmixer_viz.presets.log import Epoch
from convmixer_viz.training import history, recipes, run as runs
from convmixer_viz.training.augment import alternating, augment, normalise, shrink
from convmixer_viz.training.run import Run

EVALUATION_ROWS = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """One step done: `step` of `steps` in `epoch` of `epochs`; each epoch ends with its row."""

    epoch: int  # 1 …
    epochs: int
    step: int  # 1 … in this epoch
    steps: int
    seconds_left: float  # of the whole run, at the speed of this sitting
    row: Epoch | None = None
    notice: str = ""  # with the first step: pictures that were left out

    def __str__(self) -> str:
        hours, seconds = divmod(round(self.seconds_left), 3600)
        left = f"{hours}:{seconds // 60:02d}:{seconds % 60:02d} left"
        return f"epoch {self.epoch}/{self.epochs}  step {self.step}/{self.steps}  {left}"


def train(
    recipe_name: str,
    data_dir: Path,
    out_dir: Path,
    *,
    epochs: int | None = None,
    device: str = "auto",
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> Iterator[Progress]:
    """Train a recipe, some of its fields changed, into `out_dir`: log, history and the state to
    resume from after each epoch, the weights after the last. A run that is done already yields
    nothing. On a CPU a script of one's own is faster with engine.allocator.keep(everything=True),
    which is for the life of the process, so the command alone calls it."""
    recipe = replace(recipes.find(recipe_name), **(changes or {}))
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    run = runs.start(recipe, data_dir, out_dir, device)
    state = run.path(".state.pt")
    if state.exists() and not resume:
        raise DataError(f"{state} is of an earlier run: go on with --resume, or choose a folder.")
    if state.exists():
        runs.restore(run)
    yield from _epochs(run)


def _epochs(run: Run) -> Iterator[Progress]:
    started, first = time.monotonic(), run.done * run.steps
    last, notice = run.recipe.epochs * run.steps, _notice(run)
    for epoch in range(run.done + 1, run.recipe.epochs + 1):
        begun, sums = time.monotonic(), torch.zeros(2, device=run.device)
        for step, batch in enumerate(_order(run, epoch), 1):
            at = (epoch - 1) * run.steps + step
            sums += _step(run, batch, at)
            left = (time.monotonic() - started) / (at - first) * (last - at)
            progress = Progress(epoch, run.recipe.epochs, step, run.steps, left)
            yield replace(progress, notice=notice)
            notice = ""
        run.log.epochs.append(_row(run, sums, begun))
        if epoch in history.chosen(run.recipe.epochs, run.preset.shape):
            run.moments[epoch] = history.snapshot(run.result)
        runs.save(run)
        yield replace(progress, row=run.log.epochs[-1])


def _notice(run: Run) -> str:
    left_out = run.log.unreadable
    return f"Left out, unreadable: {'; '.join(left_out)}" if left_out else ""


def _order(run: Run, epoch: int) -> Iterator[Tensor]:
    """An epoch's batches of picture numbers: they follow from seed and epoch alone."""
    generator = torch.Generator().manual_seed(run.recipe.seed * 100_003 + epoch)
    order = torch.randperm(len(run.train), generator=generator).to(run.device)
    return iter(torch.chunk(order[: run.steps * run.recipe.batch], run.steps))


def _step(run: Run, batch: Tensor, at: int) -> Tensor:
    """One step; its loss and the share of right answers. Each process draws the whole batch, so
    that no draw depends on their number, and learns from its own rows."""
    recipe = run.recipe
    pixels, labels = run.train.pixels[batch], run.train.labels[batch]
    seed, epoch = recipe.seed * 10_000_019 + at, (at - 1) // run.steps + 1
    classes, mirrored = run.preset.class_count, _mirrored(run, epoch, batch)
    drawn, targets = augment(pixels, labels, recipe, classes=classes, seed=seed, mirrored=mirrored)
    rank, size = distributed.process()
    drawn, targets = drawn[rank::size], targets[rank::size]
    if epoch <= recipe.small_share * recipe.epochs:
        drawn = shrink(drawn, recipe.small)
    run.model.train()
    with run.autocast():
        logits = run.learner(normalise(drawn, run.preset.transform))
    loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    _learn(run)
    right = (logits.argmax(1) == targets.argmax(1)).float().mean()
    return torch.stack([loss.detach(), right])


def _mirrored(run: Run, epoch: int, batch: Tensor) -> Tensor | None:
    """Which pictures of a batch are flipped, where flips alternate."""
    if not run.recipe.alternate:
        return None
    chosen = alternating(len(run.train), seed=run.recipe.seed, epoch=epoch)
    return chosen.to(run.device)[batch]


def _learn(run: Run) -> None:
    nn.utils.clip_grad_norm_(run.model.parameters(), run.recipe.clip)
    for optimizer, schedule in zip(run.optimizers, run.schedules, strict=True):
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    if run.average is not None:
        run.average.update_parameters(run.model)


def _row(run: Run, sums: Tensor, begun: float) -> Epoch:
    processes = distributed.process().size
    loss, accuracy = (distributed.summed(sums) / run.steps / processes).tolist()
    test_loss, test_accuracy = _measure(run)
    rate = float(run.schedules[0].get_last_lr()[0])
    seconds = time.monotonic() - begun
    return Epoch(run.done + 1, loss, accuracy, test_loss, test_accuracy, rate, seconds)


@torch.no_grad()
def _measure(run: Run) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on the test pictures, in the run's own precision; each
    process takes its share of them."""
    model, sums = run.result.eval(), torch.zeros(2, dtype=torch.float64)
    rank, size = distributed.process()
    share = (run.test.pixels[rank::size], run.test.labels[rank::size])
    split = (torch.split(t, EVALUATION_ROWS) for t in share)
    for pixels, labels in zip(*split, strict=True):
        with run.autocast():
            logits = model(normalise(pixels, run.preset.transform)).float()
        right = (logits.argmax(1) == labels).sum()
        sums += torch.stack([F.cross_entropy(logits, labels, reduction="sum"), right]).cpu()
    loss, accuracy = (distributed.summed(sums) / len(run.test)).tolist()
    return loss, accuracy
