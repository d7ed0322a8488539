"""Whether a request fits the memory: its analysis's estimate against what is free, before it
begins. Estimates are meant to be from above; how near they come is held by no test yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from convmixer_viz.contract import Analysis
from convmixer_viz.engine import allocator, hardware
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import DeviceError
from convmixer_viz.pictures.prepare import PIXEL_BYTES, PREPARED_BYTES
from convmixer_viz.presets.table import Shape

SHARE = 0.9  # of the free memory that one computation may take
MARGIN = 1.15  # what other processors' libraries, and the order of frees, may take more
SCATTER = 1.35  # the allocator's heap, where it keeps blocks of many sizes
FORWARD = 4  # states alive in a call: first tokens, a layer's input, output and the library's copy
SAVED = {"gelu": 6, "relu": 4}  # states a block that a gradient keeps
DOUBLE = 8  # bytes of a float64

Estimate = Callable[["Workload"], int]


@dataclass(frozen=True, slots=True)
class Workload:
    """What a computation's memory follows from."""

    shape: Shape
    class_count: int
    side: int  # px
    pictures: int
    batch_size: int  # rows of a call
    itemsize: int  # bytes of a number of the model
    options: Any

    @property
    def cells(self) -> int:
        """Tokens of one picture."""
        return self.shape.grid(self.side) ** 2

    @property
    def numbers(self) -> int:
        """Numbers in one picture's tokens, (dim, H, W)."""
        return self.shape.dim * self.cells

    @property
    def state(self) -> int:
        """Bytes of one picture's tokens."""
        return self.numbers * self.itemsize

    @property
    def call(self) -> int:
        """Bytes of a call's tokens."""
        return self.batch_size * self.state

    @property
    def prepared(self) -> int:
        """Bytes of the prepared pictures that are kept, and of those on their way into a call."""
        each = PIXEL_BYTES * self.side**2
        kept = min(self.pictures, max(1, PREPARED_BYTES // each))
        return kept * each + 2 * self.pixels(min(self.batch_size, max(1, self.pictures)))

    def pixels(self, count: int = 1, itemsize: int = 4) -> int:
        """Bytes of so many pictures, (count, 3, h, w)."""
        return 3 * self.side**2 * itemsize * count

    def forward(self, alive: int = FORWARD) -> int:
        """Bytes of a call without gradient."""
        return alive * self.call + self.pixels(self.batch_size)

    def backward(self, blocks: int, rows: int | None = None) -> int:
        """Bytes of a call of so many rows whose gradient goes back through the last blocks, and
        through the stem where those are all."""
        state = self.state * (self.batch_size if rows is None else rows)
        stem = 2 if blocks == self.shape.depth else 0
        kept = (SAVED[self.shape.activation] * blocks + stem + 3) * state
        return int(self.scattered(kept, state)) + 2 * self.pixels(rows or self.batch_size)

    def scattered(self, total: float, each: int) -> float:
        """Bytes that tensors of `each` take in all: small ones share a heap, with gaps."""
        return total * (SCATTER if each < allocator.LARGEST else 1)


def workload(model: LoadedModel, side: int, pictures: int, options: Any) -> Workload:
    """What an analysis of a loaded model is to do."""
    preset = model.preset
    rows, itemsize = model.batch_size(side), model.dtype.itemsize
    return Workload(preset.shape, preset.class_count, side, pictures, rows, itemsize, options)


def estimate(analysis: Analysis[Any], work: Workload) -> int:
    """Bytes that the work takes at most beside the loaded model."""
    return int(MARGIN * analysis.estimate(work))


def fit(analysis: Analysis[Any], model: LoadedModel, work: Workload) -> LoadedModel:
    """The model, in fast mode with calls as small as they have to be; a DeviceError where the
    work doesn't fit: exact mode's calls decide bits."""
    free = hardware.free_memory(model.device)
    while estimate(analysis, work) > SHARE * free:
        if model.mode == "exact" or work.batch_size == 1:
            raise DeviceError(_refusal(analysis, model, work, free))
        work = replace(work, batch_size=work.batch_size // 2)
        model = replace(model, most_rows=work.batch_size)
        model.halved.append(work.batch_size)
    return model


def _refusal(analysis: Analysis[Any], model: LoadedModel, work: Workload, free: int) -> str:
    needed = estimate(analysis, work)
    where = f" at {work.side}×{work.side} pixels" if analysis.images != "none" else ""
    ways = " or ".join(_ways(analysis, model, work, free)) or "choose a smaller preset"
    return (
        f"{analysis.name} of {model.preset.name}{where} needs about {_size(needed)} and "
        f"{model.device} has {_size(free)} free: {ways}, or close what else uses the memory."
    )


def _ways(analysis: Analysis[Any], model: LoadedModel, work: Workload, free: int) -> Iterator[str]:
    """What to change so that the work fits: each alone is enough."""

    def fits(other: Workload) -> bool:
        return estimate(analysis, other) <= SHARE * free

    names = {field.name for field in fields(work.options)}
    if analysis.images == "many":
        counts = range(work.pictures - 1, 0, -1)
        count = next((n for n in counts if fits(replace(work, pictures=n))), None)
        if count is not None:
            yield f"choose at most {count} picture{'s' * (count > 1)}"
    if "resolution" in names:
        p, grid = work.shape.patch_size, work.shape.grid(work.side)
        smaller = (p * tokens for tokens in range(grid - 1, 0, -1))
        sides = (workload(model, side, work.pictures, work.options) for side in smaller)
        side = next((other.side for other in sides if fits(other)), None)
        if side is not None:
            yield f"choose resolution {side}"
    if "blocks" in names and fits(replace(work, options=replace(work.options, blocks=(1,)))):
        yield "name few blocks"


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
