"""Work shared by the processes of one torchrun: this one's rank and share, sums over all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import lazy_loader as lazy

from convmixer_viz.errors import DeviceError

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy.load("torch")

T = TypeVar("T")
TIMEOUT = timedelta(hours=12)  # shares end at different times; torchrun ends all where one fails
_NOTHING = object()


class Process(NamedTuple):
    """One of the processes that torchrun started, or the only one."""

    rank: int  # 0 … size - 1
    size: int  # of the run: how many processes


def process() -> Process:
    """This process, as torchrun's environment variables number it."""
    return Process(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


def local_device(device: str) -> str:
    """The device that this process takes: under torchrun each takes the GPU of its local number."""
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return f"cuda:{os.environ['LOCAL_RANK']}" if cuda and "LOCAL_RANK" in os.environ else device


@contextmanager
def joined(device: str = "cpu") -> Iterator[None]:
    """Inside, the processes of a torchrun are connected, their GPUs too where they work on these;
    a process alone stays alone."""
    if process().size == 1 or torch.distributed.is_initialized():
        yield
        return
    cuda = device.startswith("cuda")
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def connected() -> bool:
    """Whether this process is joined to others."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def share(count: int) -> range:
    """Indices of the things, of `count`, that this process takes: every n-th of n joined ones; all
    where it is alone."""
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


def add_up(values: Tensor) -> Tensor:
    """Put the sum over all joined processes into the values themselves, where they are."""
    if connected():
        with _all_alive():
            torch.distributed.all_reduce(values)
    return values


def gathered(values: Sequence[T]) -> list[T]:
    """The values of all joined processes, in the order before share() dealt them out."""
    if not connected():
        return list(values)
    parts: list[Sequence[T]] = [()] * torch.distributed.get_world_size()
    with _all_alive():
        torch.distributed.all_gather_object(parts, values)
    rounds = zip_longest(*parts, fillvalue=_NOTHING)
    return [value for turn in rounds for value in turn if value is not _NOTHING]  # type: ignore[misc]


@contextmanager
def _all_alive() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise DeviceError("Another process of this run has ended: its error says why.") from error
