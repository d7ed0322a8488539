"""What a preset costs: counted from its shape, and measured on this machine."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.cost import Cost, Options


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Cost]]:
    """Two steps warm up, the second counting memory; each further one times a call. A call has the
    batch size that every analysis uses here, all of it the first picture."""
    side = images[0].array.shape[-1]
    pixels = model.place(model.tensor(images[:1]).expand(model.batch_size(side), -1, -1, -1))
    seconds: list[float] = []
    _timed(model, pixels)
    yield Step(1, 2 + options.calls)
    call_bytes = _call_bytes(model, pixels)
    yield Step(2, 2 + options.calls)
    for done in range(1, options.calls + 1):
        seconds.append(_timed(model, pixels))
        result = _result(model, side, seconds, call_bytes) if done == options.calls else None
        yield Step(2 + done, 2 + options.calls, result)


def estimate(work: Workload) -> int:
    """One call, all of it the first picture; the call that is watched keeps two states more."""
    return work.prepared + work.forward(6) + work.pixels(work.batch_size)


def _result(model: LoadedModel, side: int, seconds: list[float], call_bytes: int) -> Cost:
    parts = model.preset.shape.multiply_adds(side, model.preset.class_count)
    return Cost(
        parameters=model.preset.parameters,
        multiply_adds=sum(parts.values()),
        depthwise=parts["depthwise"] / sum(parts.values()),
        batch=model.batch_size(side),
        call_seconds=np.array(seconds),
        median_seconds=float(np.median(seconds)),
        peak_bytes=model.nbytes + call_bytes,
    )


def _timed(model: LoadedModel, pixels: torch.Tensor) -> float:
    """Seconds from the call to its logits on the CPU."""
    began = time.perf_counter()
    model.logits(pixels).cpu()
    return time.perf_counter() - began


def _call_bytes(model: LoadedModel, pixels: torch.Tensor) -> int:
    """Bytes that a call holds at most beside the weights; on a CPU those of its tensors, without
    what the convolutions' library takes for itself."""
    if model.device.startswith("cuda"):
        before = torch.cuda.memory_allocated(model.device)
        torch.cuda.reset_peak_memory_stats(model.device)
        model.logits(pixels)
        return torch.cuda.max_memory_allocated(model.device) - before
    live = _LiveBytes()
    with _watching(live):
        model.logits(pixels)
    return live.most


class _LiveBytes:
    """Bytes of the tensors that are alive, and the most there were."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.now = self.most = 0

    def note(self, tensor: torch.Tensor) -> None:
        """Count a tensor's memory once, until it is freed."""
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if size and place not in self.known:
            self.known.add(place)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._freed, place, size)

    def _freed(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size


def _watching(live: _LiveBytes) -> Any:
    """While it is open, in this thread, what operations give back is noted."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watching(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            for value in out if isinstance(out, tuple | list) else (out,):
                if isinstance(value, torch.Tensor):
                    live.note(value)
            return out

    return Watching()  # type: ignore[no-untyped-call]
