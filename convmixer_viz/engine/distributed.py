"""Processes of one torchrun that share a job: who this is, and what all of them have together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

import lazy_loader as lazy

from convmixer_viz.errors import DeviceError

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy.load("torch")

T = TypeVar("T")
PATIENCE = timedelta(hours=12)  # shares end at different times; torchrun ends all where one fails
_NOTHING = object()


def process() -> tuple[int, int]:
    """This process's number and how many there are; torchrun tells."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def place(device: str) -> str:
    """The device of this process: under torchrun each takes the GPU of its local number."""
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return f"cuda:{os.environ['LOCAL_RANK']}" if cuda and "LOCAL_RANK" in os.environ else device


@contextmanager
def joined() -> Iterator[None]:
    """Inside, the processes of a torchrun are connected; a process alone stays alone."""
    if process()[1] == 1 or torch.distributed.is_initialized():
        yield
        return
    torch.distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def connected() -> bool:
    """Whether this process is joined to others."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def share(count: int) -> range:
    """Which of so many things are this process's: every n-th of n joined ones, else all."""
    if not connected():
        return range(count)
    return range(torch.distributed.get_rank(), count, torch.distributed.get_world_size())


def summed(values: Tensor) -> Tensor:
    """The sum over all joined processes, on the CPU; alone, the values themselves."""
    if not connected():
        return values
    cuda = torch.distributed.get_backend() == "nccl"  # the group of a script of one's own
    total = values.to("cuda" if cuda else "cpu", copy=True)
    with _all_alive():
        torch.distributed.all_reduce(total)
    return total.cpu()


def gathered(values: Sequence[T]) -> list[T]:
    """What share() parted, whole again and in order, in every joined process."""
    if not connected():
        return list(values)
    parts: list[Sequence[T]] = [()] * torch.distributed.get_world_size()
    with _all_alive():
        torch.distributed.all_gather_object(parts, values)
    rows = zip_longest(*parts, fillvalue=_NOTHING)
    return [value for row in rows for value in row if value is not _NOTHING]  # type: ignore[misc]


@contextmanager
def _all_alive() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise DeviceError("Another process of this run has ended: its error says why.") from error
