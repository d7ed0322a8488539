"""Chooses device, dtype, memory format, threads and batch size; nothing else does."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from convmixer_viz.engine import flags, hardware
from convmixer_viz.engine.finished_parts import FinishedParts
from convmixer_viz.errors import ChoiceError, DeviceError, WeightsError
from convmixer_viz.model import fused
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.edits import Edit

Mode = Literal["exact", "fast"]
T = TypeVar("T", Tensor, tuple[Tensor, ...])

# Exact mode calls a model with one literal batch size, the last call padded: bits depend on
# the size of a batch. Batching gains a factor of 2 to 4 on small grids; on large ones nothing in
# float32 and up to 1.3 in bfloat16.
GPU_BATCH, CPU_BATCH, BF16_BATCH = 16, 8, 4
CUDA_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation
SHORTAGES = ("can't allocate memory", "_ALLOC_FAILED", "std::bad_alloc", "out of memory")
LARGE_PICTURE = 200_000_000  # multiply-adds, from which on a CPU takes few pictures at once


def choose(device: str) -> str:
    """'auto', 'cpu', 'cuda' or 'cuda:n' → the device's one name; a GPU where there is one."""
    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if device == "cpu":
        return "cpu"
    if kind != "cuda" or not re.fullmatch(r"\d{0,3}", number, re.ASCII):
        raise DeviceError(f"There is no device {device!r:.40}: choose auto, cpu, cuda or cuda:n.")
    if int(number or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceError(f"{device} is not here: PyTorch sees {count} GPUs; use cpu or auto.")
    return f"cuda:{int(number or 0)}"


def _alone(edits: tuple[Edit, ...]) -> LoadedModel:
    raise ChoiceError("This model was loaded by itself: edit one of a Workbench.")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A frozen ConvMixer on its device; no picture's numbers depend on the others beside it."""

    preset: Preset
    module: ConvMixer
    class_names: tuple[str, ...]
    weights_sha256: str
    device: str
    mode: Mode
    untrained_seed: int | None = None
    halved: list[int] = field(default_factory=list)  # a request's batch sizes after a shortage
    most_rows: int | None = None  # of a call, in fast mode where memory is short from the start
    finished: FinishedParts = field(default_factory=FinishedParts)  # of a request
    edits: tuple[Edit, ...] = ()
    edit_notes: tuple[str, ...] = ()  # what a person is to know of them, a sentence each
    edited: Callable[[tuple[Edit, ...]], LoadedModel] = _alone  # the same with other edits

    @property
    def dtype(self) -> torch.dtype:
        return self.module.patch_embedding.weight.dtype

    @property
    def memory_format(self) -> torch.memory_format:
        return _memory_format(self.preset, self.dtype)

    @property
    def nbytes(self) -> int:
        """Bytes of parameters and buffers."""
        state = (*self.module.parameters(), *self.module.buffers())
        return sum(t.numel() * t.element_size() for t in state)

    def target(self, text: str | None, logits: Tensor) -> int:
        """Class index of a target that request.fit resolved; none is the class predicted."""
        return int(logits.argmax()) if text is None else int(text)

    def tensor(self, images: Sequence[PreparedPicture]) -> Tensor:
        """Prepared pictures → (n, 3, h, w) on the device, in the model's dtype and format."""
        stacked = torch.stack([torch.from_numpy(image.array) for image in images])
        return self.place(stacked)

    def place(self, pixels: Tensor) -> Tensor:
        """Any (n, 3, h, w) on the device, in the model's dtype and memory format."""
        return pixels.to(self.device, self.dtype).contiguous(memory_format=self.memory_format)

    def batch_size(self, side: int) -> int:
        """Pictures in one call at side × side pixels."""
        rows = self._literal_batch_size(side)
        return rows if self.most_rows is None else min(rows, self.most_rows)

    def _literal_batch_size(self, side: int) -> int:
        if self.device.startswith("cuda"):
            return GPU_BATCH
        work = self.preset.shape.multiply_adds(side, self.preset.class_count)
        if sum(work.values()) < LARGE_PICTURE:
            return CPU_BATCH
        return BF16_BATCH if self.dtype is torch.bfloat16 else 1

    def parts(self, pixels: Tensor) -> Iterator[Tensor]:
        """Split a batch into calls: one part is one chunk of work."""
        return iter(torch.split(pixels, self.batch_size(min(pixels.shape[-2:]))))

    def call(self, function: Callable[[Tensor], T], part: Tensor, side: int | None = None) -> T:
        """function(part), row by row independent: padded, memory shortage handled. `side` is that
        of the pictures, in pixels, where the part holds tokens."""
        side = side or min(part.shape[-2:])
        try:
            return self._padded(function, part, side)
        except (RuntimeError, MemoryError) as error:
            if not memory_ran_out(error):
                raise
        torch.cuda.empty_cache()
        return self._retry(function, part, side)

    def logits(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) → (n, classes) float32 on the device, without gradient; finite."""
        logits = torch.cat([self.call(self._forward, part) for part in self.parts(pixels)])
        self.check(logits)
        return logits

    def check(self, logits: Tensor) -> None:
        """Refuse weights, or edits, whose answers aren't finite."""
        if not bool(torch.isfinite(logits).all()):
            raise WeightsError(
                f"{self.preset.name} answers with numbers that aren't finite: its weights, or its "
                "edits, are too large; choose others."
            )

    @torch.no_grad()
    def _forward(self, part: Tensor) -> Tensor:
        return self.module(part).float()  # type: ignore[no-any-return]

    def _padded(self, function: Callable[[Tensor], T], part: Tensor, side: int) -> T:
        missing = self.batch_size(side) - len(part)
        if missing <= 0 or self.mode == "fast":
            return function(part)
        padded = function(_with_spare_rows(part, missing))
        if isinstance(padded, tuple):
            return tuple(t[: len(part)] for t in padded)
        return padded[: len(part)]

    def _retry(self, function: Callable[[Tensor], T], part: Tensor, side: int) -> T:
        if self.mode == "fast" and len(part) > 1:
            half = len(part) // 2
            self.halved.append(half)
            first = self.call(function, part[:half], side)
            second = self.call(function, part[half:], side)
            if isinstance(first, tuple):
                return tuple(torch.cat(pair) for pair in zip(first, second, strict=True))
            return torch.cat([first, second])
        try:
            return self._padded(function, part, side)
        except (RuntimeError, MemoryError) as error:
            if not memory_ran_out(error):
                raise
            raise DeviceError(
                f"{self.device} has no memory left for {self.preset.name} at "
                f"{side}×{side} pixels: choose a lower resolution, "
                "fast mode or --device cpu, or close what else uses the device."
            ) from error


def _with_spare_rows(part: Tensor, count: int) -> Tensor:
    """In the same memory layout, which expand() would lose, and with it bits."""
    return torch.cat([part, *(part[:1] for _ in range(count))])


def load(
    preset: Preset,
    module: ConvMixer,
    *,
    class_names: tuple[str, ...],
    sha256: str,
    device: str,
    mode: Mode,
) -> LoadedModel:
    """Freeze a module and move it to a device; `device` is a name that choose() returned."""
    module = _move(module, preset, mode, device)
    return LoadedModel(preset, module, class_names, sha256, device, mode)


def _move(module: ConvMixer, preset: Preset, mode: Mode, device: str) -> ConvMixer:
    if device.startswith("cuda"):  # cuBLAS reads it as it starts; a host's own value stays
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    module = module.freeze().to(device)
    if mode == "fast" and (device.startswith("cuda") or hardware.native_bf16()):
        for layer in module.modules():  # batch norm keeps float32 parameters
            if isinstance(layer, nn.Conv2d | nn.Linear):
                exact = {name: tensor.detach() for name, tensor in layer.named_parameters()}
                layer.to(torch.bfloat16)
                if isinstance(layer, nn.Conv2d):  # receptive fields walk forward in float32:
                    for name, tensor in exact.items():  # rounded weights flip gradient masks
                        layer.register_buffer(f"exact_{name}", tensor, persistent=False)
    dtype = module.patch_embedding.weight.dtype
    module = module.to(memory_format=_memory_format(preset, dtype))
    if device == "cpu" and dtype is torch.bfloat16 and fused.available(dtype):
        fused.fuse(module, preset.shape.grid(preset.transform.size))
    return module


def _memory_format(preset: Preset, dtype: torch.dtype) -> torch.memory_format:
    """Float32 9×9 depthwise convolutions are twice as fast in NCHW; all else prefers NHWC."""
    large = preset.shape.kernel_size > 7 and dtype is not torch.bfloat16
    return torch.contiguous_format if large else torch.channels_last


@contextmanager
def chunk(name: str, device: str = "cpu") -> Iterator[None]:
    """Around one step of work: torch's flags are set, a shortage of memory or a lost device becomes
    a sentence, and a step that leaves grad mode or autocast changed is named."""
    with flags.HELD, _failures_in_words(name, device):
        yield
    autocast = torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda")
    if autocast or not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
        raise RuntimeError(f"{name} left grad mode or autocast changed after a step")


@contextmanager
def _failures_in_words(name: str, device: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if memory_ran_out(error):
            torch.cuda.empty_cache()
            raise DeviceError(
                f"{device} has no memory left for {name}: choose a lower resolution, fewer "
                "pictures or a smaller preset, or close what else uses the device."
            ) from error
        if isinstance(error, torch.AcceleratorError):  # each later call would say the same
            reason = str(error).partition("\n")[0]
            raise DeviceError(
                f"{device} was lost ({reason}): start convmixer-viz again, or use --device cpu."
            ) from error
        raise


def memory_ran_out(error: BaseException) -> bool:
    """Whether an error says that there was too little memory, on a CPU or a GPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if getattr(error, "error_code", None) == CUDA_OUT_OF_MEMORY:  # a torch.AcceleratorError's
        return True
    # torch has no type for its CPU allocator's error, nor for a library's that gets no memory
    return isinstance(error, RuntimeError) and any(text in str(error) for text in SHORTAGES)
