"""One pass over many pictures: what the model says of each, and which of them move what. Sums are
of integers, so that neither the order of the pictures nor a kill changes a bit of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.contract import Step
from convmixer_viz.engine import distributed
from convmixer_viz.engine.finished_parts import Shapes
from convmixer_viz.engine.memory import DOUBLE, Workload, workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import Block, ConvMixer
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.survey import SIDES, STRONGEST, Options, Survey

Integers = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]

STEP_WORK = 8_000_000_000  # multiply-adds of one step, about: a fraction of a second on two cores
MOST_CALLS = 16  # of one step
SCALE = 2**28  # means are summed as integers: any order gives the same sum
SO_FAR = "pictures so far"  # the part of a request that is kept
SEEN = ("logits", "features", "most", "where", "positive", "maps")  # what a call gives
KEEP_EVERY = 5.0  # seconds between two times that it is
NEVER = np.finfo(np.float32).min  # the answer of a place that no picture has taken


@dataclass(slots=True)
class _Sums:
    """Over the pictures so far: integers, and each kernel's strongest answers."""

    class_pictures: Integers  # (classes,)
    positive: Integers  # (classes, 2, depth, dim), sums in 1 / SCALE
    silent: Integers  # (2, depth, dim)
    evidence: Integers  # (classes, H, W), in 1 / SCALE
    token_votes: Integers  # (classes, H, W)
    answers: NDArray[np.float32]  # (2, depth, dim, STRONGEST), strongest first
    pictures: Integers  # the same shape
    tokens: Integers  # the same shape, numbered by row

    def add(self, seen: Arrays, numbers: Integers) -> None:
        """Count some pictures: what the model's calls gave of each, and their numbers."""
        reference = seen["reference"]
        np.add.at(self.class_pictures, reference, 1)
        np.add.at(self.positive, reference, _whole(seen["positive"]))
        np.add.at(self.evidence, reference, _whole(_of(seen["maps"], reference)))
        self.silent += (seen["most"] <= 0).sum(0)
        cells = np.arange(self.evidence[0].size).reshape(self.evidence[0].shape)
        places = seen["maps"].argmax(1) * cells.size + cells
        votes = np.bincount(places.ravel(), minlength=self.token_votes.size)
        self.token_votes += votes.reshape(self.token_votes.shape)
        most, tokens = (np.moveaxis(seen[name], 0, -1) for name in ("most", "where"))
        self.merge(most, np.broadcast_to(numbers, most.shape), tokens)

    def merge(self, answers: NDArray[np.float32], pictures: Integers, tokens: Integers) -> None:
        """Keep the strongest of those so far and these, (2, depth, dim, any); of two that tie the
        picture of the lower number."""
        own: tuple[NDArray[Any], ...] = (self.answers, self.pictures, self.tokens)
        others: tuple[NDArray[Any], ...] = (answers, pictures, tokens)
        every: list[NDArray[Any]] = [
            np.concatenate(pair, -1) for pair in zip(own, others, strict=True)
        ]
        order = np.lexsort((every[1], -every[0]), axis=-1)[..., :STRONGEST]
        self.answers, self.pictures, self.tokens = (
            np.take_along_axis(each, order, -1) for each in every
        )


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Survey]]:
    """A step some pictures; joined processes share the steps out. Only the last has the result.
    What an earlier process has kept is not computed again."""
    labels, chosen = _labels(model, images), _drawn(len(images), options)
    work = workload(model, images[0].array.shape[-1], len(images), options)
    kept = model.finished.arrays(_shapes(work))
    first, sums = _so_far(model, work)
    starts = range(first, len(images), _step_size(work))
    mine = [starts[number] for number in distributed.share(len(starts))]
    last_kept = time.monotonic()
    for done, start in enumerate(mine, 1):
        numbers = np.arange(start, min(start + starts.step, len(images)))
        seen = _look(model, images, numbers, labels)
        sums.add(seen, numbers)
        _fill(kept, seen, numbers, chosen)
        if time.monotonic() - last_kept > KEEP_EVERY:
            _keep(model, sums)
            last_kept = time.monotonic()
        yield Step(done, len(mine) + 1)
    _keep(model, sums)
    _share(kept, sums)
    result = _result(model, kept, sums, chosen=chosen, labelled=labels is not None)
    yield Step(len(mine) + 1, len(mine) + 1, result)


def estimate(work: Workload) -> int:
    """A call beside its answers and every class's maps; the sums, and what they are merged with;
    and what is kept of all pictures, where that is not on disk."""
    kernels, step = len(SIDES) * work.shape.depth * work.shape.dim, _step_size(work)
    maps = 3 * DOUBLE * step * work.class_count * work.cells
    sums = 2 * DOUBLE * work.class_count * (kernels + 2 * work.cells)
    answers = DOUBLE * kernels * (8 * step + 8 * STRONGEST)
    return work.prepared + work.forward(6) + maps + sums + answers + kept_bytes(work)


def kept_bytes(work: Workload) -> int:
    """Bytes of what is kept of each picture: the result's size on disk, but for its sums."""
    return sum(np.dtype(kind).itemsize * math.prod(size) for size, kind in _shapes(work).values())


def _shapes(work: Workload) -> Shapes:
    """What is kept of each picture."""
    shape, pictures, classes = work.shape, work.pictures, work.class_count
    features = min(pictures, work.options.features)
    return {
        "reference": ((pictures,), "int64"),
        "logits": ((pictures, classes), "float32"),
        "votes": ((pictures, classes), "int32"),
        "centre": ((pictures, 2), "float32"),
        "features": ((features, shape.depth + 1, shape.dim), "float16"),
    }


def _step_size(work: Workload) -> int:
    """Pictures of a step, whole calls."""
    each = work.batch_size * sum(work.shape.multiply_adds(work.side, work.class_count).values())
    return work.batch_size * min(MOST_CALLS, max(1, STEP_WORK // each))


def _labels(model: LoadedModel, images: Sequence[PreparedPicture]) -> Integers | None:  # (n,)
    labelled = getattr(images, "labelled", False)
    return images.labels(model.class_names) if labelled else None  # type: ignore[attr-defined]


def _drawn(count: int, options: Options) -> Integers:
    """Numbers of the pictures whose features are kept, in order."""
    if count <= options.features:
        return np.arange(count)
    draw = np.random.default_rng(options.seed)
    return np.sort(draw.choice(count, options.features, replace=False))


def _so_far(model: LoadedModel, work: Workload) -> tuple[int, _Sums]:
    """How many pictures an earlier process has done, the first ones, and their sums."""
    noted = model.finished.get(SO_FAR)
    if noted is not None:
        sums = _Sums(**noted)
        return int(sums.class_pictures.sum()), sums
    each = (len(SIDES), work.shape.depth, work.shape.dim)
    side = work.shape.grid(work.side)
    maps = (work.class_count, side, side)
    never = np.full((*each, STRONGEST), NEVER, np.float32)
    nobody = np.full((*each, STRONGEST), np.iinfo(np.int64).max)
    return 0, _Sums(
        np.zeros(work.class_count, np.int64),
        np.zeros((work.class_count, *each), np.int64),
        np.zeros(each, np.int64),
        np.zeros(maps, np.int64),
        np.zeros(maps, np.int64),
        never,
        nobody,
        np.zeros((*each, STRONGEST), np.int64),
    )


def _keep(model: LoadedModel, sums: _Sums) -> None:
    """Note what is done, in place of what was noted before."""
    model.finished.put(SO_FAR, {each.name: getattr(sums, each.name) for each in fields(sums)})


def _look(
    model: LoadedModel,
    images: Sequence[PreparedPicture],
    numbers: Integers,
    labels: Integers | None,
) -> Arrays:
    """What the model says of some pictures, each array by picture."""
    with ThreadPoolExecutor() as pool:  # decoding lets other threads run
        prepared = list(pool.map(images.__getitem__, numbers.tolist()))
    walk = partial(_walk, model.module)
    calls = [model.call(walk, part) for part in model.parts(model.tensor(prepared))]
    parts = dict(zip(SEEN, map(torch.cat, zip(*calls, strict=True)), strict=True))
    model.check(parts["logits"])
    seen: Arrays = {name: part.cpu().numpy() for name, part in parts.items()}
    return seen | {"reference": seen["logits"].argmax(1) if labels is None else labels[numbers]}


@torch.no_grad()
def _walk(module: ConvMixer, pixels: Tensor) -> tuple[Tensor, ...]:
    """Logits; pooled features (n, depth + 1, dim); of all answers the highest, its token, and the
    mean of the positive part, (n, 2, depth, dim); evidence for every class (n, classes, H, W)."""
    tokens = module.embed(pixels)
    features, answers = [tokens.float().mean((2, 3))], []
    for block in module.walk():
        tokens, measured = _through(block, tokens)
        features.append(tokens.float().mean((2, 3)))
        answers.append(measured)
    most, where, positive = (torch.stack(each, 2) for each in zip(*answers, strict=True))
    maps = torch.einsum("ncij,kc->nkij", tokens.float(), module.head.weight.float())
    logits = module.classify(tokens).float()
    return logits, torch.stack(features, 1), most, where, positive, maps / tokens[0, 0].numel()


def _through(block: Block, tokens: Tensor) -> tuple[Tensor, list[Tensor]]:
    """A block's output by its own layers, and the numbers of its answers, (n, 2, dim) each."""
    answer, *rest = block.depthwise(tokens), *block.spatial.fn[1:]
    kernels = _numbers(answer)
    for layer in rest:
        answer = layer(answer)
    answer = block.pointwise(answer + tokens if block.spatial.residual else answer)
    channels = _numbers(answer)
    for layer in list(block)[2:]:
        answer = layer(answer)
    return answer, [torch.stack(pair, 1) for pair in zip(kernels, channels, strict=True)]


def _numbers(answers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(n, dim, H, W) → the highest of each picture's, its token, and the mean of the positive
    part, (n, dim) each."""
    cells = answers.float().permute(0, 2, 3, 1).flatten(1, 2)
    most, where = cells.max(1)
    return most, where, cells.clamp(min=0).mean(1)


def _whole(values: NDArray[np.float32]) -> Integers:
    return np.rint(values.astype(np.float64) * SCALE).astype(np.int64)


def _of(maps: NDArray[np.float32], classes: Integers) -> NDArray[np.float32]:
    """Each picture's map of one class."""
    return maps[np.arange(len(maps)), classes]


def _fill(kept: Arrays, seen: Arrays, numbers: Integers, chosen: Integers) -> None:
    """Put what is kept of some pictures in its place."""
    maps, classes = seen["maps"], seen["logits"].shape[1]
    rows = slice(numbers[0], numbers[-1] + 1)
    winners = maps.argmax(1).reshape(len(maps), -1) + classes * np.arange(len(maps))[:, None]
    votes = np.bincount(winners.ravel(), minlength=len(maps) * classes)
    kept["votes"][rows] = votes.reshape(len(maps), classes)
    kept["reference"][rows], kept["logits"][rows] = seen["reference"], seen["logits"]
    kept["centre"][rows] = _centres(np.abs(_of(maps, seen["logits"].argmax(1))))
    first, last = np.searchsorted(chosen, (numbers[0], numbers[-1] + 1))
    kept["features"][first:last] = seen["features"][chosen[first:last] - numbers[0]]


def _centres(weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, H, W) → (n, 2): row and column of the centre of mass, 0 to 1; ½ where there is none."""
    total = weights.sum((1, 2), dtype=np.float64)
    sides = [weights.sum(3 - axis, dtype=np.float64) for axis in (1, 2)]
    places = [(np.arange(side.shape[1]) + 0.5) / side.shape[1] for side in sides]
    sums = np.stack([side @ place for side, place in zip(sides, places, strict=True)], 1)
    return np.where(total[:, None] > 0, sums / np.where(total > 0, total, 1)[:, None], 0.5)


def _share(kept: Arrays, sums: _Sums) -> None:
    """Put all joined processes' pictures together, in place."""
    if not distributed.connected():
        return
    for array in kept.values():  # each byte is one process's, and zero in the others
        whole = torch.from_numpy(array.reshape(-1).view(np.uint8))
        whole.copy_(distributed.summed(whole))
    for name in ("class_pictures", "positive", "silent", "evidence", "token_votes"):
        setattr(sums, name, distributed.summed(torch.from_numpy(getattr(sums, name))).numpy())
    own = (sums.answers, sums.pictures, sums.tokens)
    (sums.answers, sums.pictures, sums.tokens), *others = distributed.gathered([own])
    for strongest in others:
        sums.merge(*strongest)


def _result(
    model: LoadedModel, kept: Arrays, sums: _Sums, *, chosen: Integers, labelled: bool
) -> Survey:
    some, width = sums.answers > NEVER, sums.evidence.shape[2]
    counts = np.maximum(sums.class_pictures, 1)
    places = np.where(some[..., None], np.stack(np.divmod(sums.tokens, width), -1), -1)
    return Survey(
        classes=model.class_names,
        labelled=labelled,
        blocks=np.arange(1, model.preset.shape.depth + 1),
        feature_pictures=chosen,
        answers=np.where(some, sums.answers, np.float32(np.nan)),
        pictures=np.where(some, sums.pictures, -1),
        tokens=places,
        class_pictures=sums.class_pictures,
        class_answers=np.moveaxis(sums.positive, 0, -1) / (SCALE * counts),
        silent=sums.silent,
        class_evidence=(sums.evidence / (SCALE * counts[:, None, None])).astype(np.float32),
        token_votes=sums.token_votes,
        **cast("dict[str, Any]", kept),
    )
