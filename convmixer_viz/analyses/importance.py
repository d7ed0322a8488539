"""What each depthwise kernel matters: it alone is switched off, and the rest of the model run
again. What comes before its block is computed once; in the block its channel is one term of the
pointwise step, so that a product of a column and a map takes it out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convmixer_viz import agreement
from convmixer_viz.contract import Step
from convmixer_viz.engine import allocator
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import Block, ConvMixer
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Shape
from convmixer_viz.questions.importance import TENTHS, Importance, Options

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

STEP_WORK = 8_000_000_000  # multiply-adds of one step, about: a fraction of a second on two cores
MOST_CALLS = 32  # of one step
GAPS = 64 * 2**20  # bytes of a heap: each call's tensors leave gaps that the next's don't fit into
SO_FAR = "pictures so far"  # the part of a request that is kept


@dataclass(frozen=True, slots=True)
class _Before:
    """What the unchanged model says of some pictures."""

    logits: Floats  # (pictures, classes)
    targets: NDArray[np.int64]  # (pictures,)

    def effects(self, logits: Floats) -> Doubles:
        """(…, pictures, classes) of a changed model → (2, …, pictures): the target's change, and
        the divergence in bits."""
        rows = np.arange(len(self.targets))
        change = logits[..., rows, self.targets].astype(np.float64)
        change -= self.logits[rows, self.targets]
        sides = agreement.softmax(logits), agreement.softmax(self.logits)
        return np.stack([change, agreement.divergence(*sides)])


@dataclass(slots=True)
class _Moments:
    """Mean and standard error over pictures, which come a few at a time, in the last axis."""

    count: int = 0
    sum: Doubles = field(default_factory=lambda: np.zeros(()))
    squares: Doubles = field(default_factory=lambda: np.zeros(()))

    def add(self, values: Doubles) -> None:
        self.count += values.shape[-1]
        self.sum = self.sum + values.sum(-1)
        self.squares = self.squares + (values**2).sum(-1)

    @property
    def mean(self) -> Floats:
        return np.asarray(self.sum / self.count, np.float32)

    @property
    def error(self) -> Floats:
        if self.count == 1:
            return np.full_like(self.mean, np.nan)
        spread = np.maximum(self.squares - self.sum**2 / self.count, 0) / (self.count - 1)
        return np.asarray(np.sqrt(spread / self.count), np.float32)


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Importance]]:
    """A step some kernels of a block, over one call's pictures, then one each random tenth; a
    partial result after each call's pictures, from where an earlier process goes on. In float32
    always: what one kernel changes is less than bfloat16 rounds away."""
    model, side = _in_float32(model), images[0].array.shape[-1]
    shape, size = model.preset.shape, model.batch_size(side)
    blocks = tuple(sorted(set(options.blocks))) or tuple(range(1, shape.depth + 1))
    tenth = _random_tenths((len(blocks), shape.dim), options.seed)
    single, at_once = _so_far(model)
    starts = range(single.count, len(images), size)
    plans = [_plan(shape, side, size, min(size, len(images) - start)) for start in starts]
    total = sum(sum(len(plan[block]) for block in blocks) + TENTHS for plan in plans)
    done = 0
    for start, plan in zip(starts, plans, strict=True):
        pixels = model.tensor(images[start : start + size])
        before = _before(model, pixels, options.target)
        each = np.zeros((2, *tenth.shape, len(pixels)))
        chosen = {block: plan[block] for block in blocks}
        for index, channels, effects in _one_by_one(model, pixels, before, chosen):
            each[:, index, channels] = effects
            done += 1
            yield Step(done, total)
        tenths = np.zeros((2, 2, TENTHS, len(pixels)))
        for number, effects in enumerate(_tenths(model, pixels, before, (blocks, tenth))):
            tenths[:, 0, number], tenths[:, 1, number] = effects, each[:, tenth == number].sum(1)
            done += 1
            if number < TENTHS - 1:
                yield Step(done, total)
        single.add(each)
        at_once.add(tenths)
        _keep(model, single, at_once)
        yield Step(done, total, _result(model, options, (blocks, tenth), (single, at_once)))
    if not starts:
        yield Step(1, 1, _result(model, options, (blocks, tenth), (single, at_once)))


def _so_far(model: LoadedModel) -> tuple[_Moments, _Moments]:
    """The kernels' numbers and the tenths', with the pictures that an earlier process did."""
    kept = model.finished.get(SO_FAR)
    if kept is None:
        return _Moments(), _Moments()
    count = int(kept["count"])
    return _Moments(count, *kept["single"]), _Moments(count, *kept["at_once"])


def _keep(model: LoadedModel, single: _Moments, at_once: _Moments) -> None:
    """Note what is done, in place of what was noted before."""
    arrays = {"count": np.array(single.count)}
    for name, moments in (("single", single), ("at_once", at_once)):
        arrays[name] = np.stack([moments.sum, moments.squares])
    model.finished.put(SO_FAR, arrays)


def _one_by_one(
    model: LoadedModel, pixels: Tensor, before: _Before, chosen: dict[int, list[range]]
) -> Iterator[tuple[int, range, Doubles]]:
    """For some channels of a chosen block, by its place among these, the effects of each alone,
    (2, channels, pictures)."""
    module, side, count = model.module, min(pixels.shape[-2:]), len(pixels)
    per_call = max(1, model.batch_size(side) // count)
    tokens = model.call(partial(_without_gradient, module.embed), pixels)
    for number, block in enumerate(module.walk(), 1):
        if number in chosen:
            sums = model.call(partial(_pointwise_sums, block), tokens, side)
            finish, tidy = partial(_finish, module, number), 1 + GAPS // (4 * sums[0].numel())
            for channels in chosen[number]:
                rows = _without(block, sums, channels, per_call)
                logits = []
                for row in rows:
                    logits.append(model.call(finish, row, side).cpu().numpy())
                    if len(logits) % tidy == 0:
                        allocator.give_back()
                effects = before.effects(np.concatenate(logits).reshape(len(channels), count, -1))
                yield list(chosen).index(number), channels, effects
        if number == max(chosen):
            return
        tokens = model.call(partial(_without_gradient, block), tokens, side)


def _tenths(
    model: LoadedModel,
    pixels: Tensor,
    before: _Before,
    kernels: tuple[tuple[int, ...], NDArray[np.int64]],
) -> Iterator[Doubles]:
    """The effects of each random tenth, all of its kernels off at once, (2, pictures)."""
    blocks, tenth = kernels
    for number in range(TENTHS):
        masks = torch.from_numpy(tenth == number).to(model.device)
        off = dict(zip(blocks, masks, strict=True))
        logits = model.call(partial(_switched_off, model.module, off), pixels)
        yield before.effects(logits.cpu().numpy())


def estimate(work: Workload) -> int:
    """A call of the rest of the model beside its block's sums; all kernels' numbers of a call's
    pictures; the logits of one step; the heap's gaps. Fast mode keeps the weights once more, in
    float32."""
    exact = replace(work, itemsize=4)
    kernels = work.shape.depth * work.shape.dim
    numbers = 2 * DOUBLE * kernels * (3 * work.batch_size + 8)
    logits = 6 * DOUBLE * MOST_CALLS * work.batch_size * work.class_count
    copied = 4 * work.shape.parameters(work.class_count) if work.itemsize < 4 else 0
    gaps = 2 * min(GAPS, MOST_CALLS * exact.call)
    return work.prepared + exact.forward(6) + numbers + logits + copied + gaps


def _in_float32(model: LoadedModel) -> LoadedModel:
    """The model itself, or in fast mode a copy with its convolutions' own weights."""
    if model.dtype is torch.float32:
        return model
    module = copy.deepcopy(model.module).float()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            for name in ("weight", "bias"):
                getattr(layer, name).data = getattr(layer, f"exact_{name}")
    model = replace(model, module=module)
    module.to(memory_format=model.memory_format)
    return model


def _random_tenths(shape: tuple[int, int], seed: int) -> NDArray[np.int64]:
    """(blocks, dim) → 0 … 9, as evenly as the number of kernels allows."""
    order = np.random.default_rng(seed).permutation(shape[0] * shape[1])
    return (order % TENTHS).reshape(shape)


def _plan(shape: Shape, side: int, size: int, count: int) -> dict[int, list[range]]:
    """The channels of each step, block by block, for `count` pictures in calls of `size` rows:
    about as much work in each of them."""
    tokens, plan = size * shape.grid(side) ** 2 * shape.dim, {}
    for block in range(1, shape.depth + 1):
        work = tokens * ((shape.depth - block) * (shape.kernel_size**2 + shape.dim) + 1)
        length = max(1, size // count) * min(MOST_CALLS, max(1, STEP_WORK // work))
        channels = range(shape.dim)
        plan[block] = [channels[first : first + length] for first in channels[::length]]
    return plan


def _before(model: LoadedModel, pixels: Tensor, target: str | None) -> _Before:
    logits = model.logits(pixels)
    targets = np.array([model.target(target, row) for row in logits], np.int64)
    return _Before(logits.cpu().numpy(), targets)


@torch.no_grad()
def _without_gradient(layer: Callable[[Tensor], Tensor], tokens: Tensor) -> Tensor:
    return layer(tokens)


@torch.no_grad()
def _pointwise_sums(block: Block, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """What the activation after the pointwise step gets, and what each channel before it would
    change by, were its kernel off: both (n, dim, H, W)."""
    branch = block.spatial.fn(tokens)
    entering = branch + tokens if block.spatial.residual else branch
    return block.pointwise(entering), _absent(block) - branch


def _absent(block: Block) -> Tensor:
    """A channel's branch where its kernel is off, (dim, 1, 1): nothing where a skip passes it by,
    else the shift of its batch norm."""
    shift = block.depthwise_norm.bias[:, None, None]
    return torch.zeros_like(shift) if block.spatial.residual else shift


@torch.no_grad()
def _without(
    block: Block, sums: tuple[Tensor, ...], channels: range, per_call: int
) -> Iterator[Tensor]:
    """The pointwise sums of all pictures with one of the channels off, then with the next …, as
    many as a call takes."""
    (whole, removed), columns = sums, block.pointwise.weight
    for first in range(0, len(channels), per_call):
        rows = [
            torch.addcmul(whole, columns[None, :, channel], removed[:, channel : channel + 1])
            for channel in channels[first : first + per_call]
        ]
        yield torch.cat(rows) if len(rows) > 1 else rows[0]


@torch.no_grad()
def _finish(module: ConvMixer, number: int, sums: Tensor) -> Tensor:
    """From a block's pointwise sums to the logits."""
    own, *later = list(module.walk())[number - 1 :]
    for layer in (*list(own)[2:], *later):
        sums = layer(sums)
    return module.classify(sums).float()


@torch.no_grad()
def _switched_off(module: ConvMixer, off: dict[int, Tensor], pixels: Tensor) -> Tensor:
    """Logits with several kernels off at once: a mask of channels for some blocks."""
    tokens = module.embed(pixels)
    for number, block in enumerate(module.walk(), 1):
        branch = block.spatial.fn(tokens)
        if number in off:
            branch = torch.where(off[number][:, None, None], _absent(block), branch)
        tokens = branch + tokens if block.spatial.residual else branch
        for layer in list(block)[1:]:
            tokens = layer(tokens)
    return module.classify(tokens).float()


def _result(
    model: LoadedModel,
    options: Options,
    kernels: tuple[tuple[int, ...], NDArray[np.int64]],
    moments: tuple[_Moments, _Moments],
) -> Importance:
    (blocks, tenth), (single, at_once) = kernels, moments
    target = None if options.target is None else model.class_names[int(options.target)]
    return Importance(
        blocks=np.array(blocks),
        pictures=single.count,
        target_name=target,
        logit_change=single.mean[0],
        logit_error=single.error[0],
        divergence=single.mean[1],
        divergence_error=single.error[1],
        tenth=tenth,
        tenth_logit_change=at_once.mean[0],
        tenth_logit_error=at_once.error[0],
        tenth_divergence=at_once.mean[1],
        tenth_divergence_error=at_once.error[1],
    )
