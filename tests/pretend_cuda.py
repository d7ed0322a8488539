"""A device that claims to be CUDA, on a machine without one: tensors whose numbers lie on the CPU,
which refuse what a GPU's refuse: others beside them that lie elsewhere, and numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

from convmixer_viz.engine import runtime

DEVICE = torch.device("cuda:0")
MOVES = {torch.ops.aten._to_copy.default}
LENIENT = {  # what they copy, or the places that they look up, may lie on the CPU
    torch.ops.aten.copy_.default,
    torch.ops.aten.index.Tensor,
}


class Placed(Tensor):
    """A tensor on the pretended device."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> Placed:
        made = Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            requires_grad=False,
        )
        made.numbers = numbers
        return made

    device = property(lambda self: DEVICE)
    is_cuda = property(lambda self: True)

    def tolist(self) -> Any:
        return self.numbers.tolist()

    def cpu(self, *_: Any, **__: Any) -> Tensor:
        return self.numbers.clone()

    def to(self, *where: Any, **how: Any) -> Tensor:
        """As a GPU's: away only where the CPU is named."""
        names = [*where, how.get("device")]
        away = any(
            isinstance(n, str | torch.device) and torch.device(n).type == "cpu" for n in names
        )
        if away:
            return self.numbers.to(*where, **how)
        return super().to(*where, **how)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return run(func, args, kwargs or {})

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Placed({self.numbers!r})"


@dataclass
class Watch:
    """What was called, and what to raise from which call on."""

    called: set[str] = field(default_factory=set)
    count: int = 0
    fail_from: int | None = None
    error: Callable[[], BaseException] = torch.OutOfMemoryError

    def look(self, function: Any) -> None:
        self.called.add(str(function))
        self.count += 1
        if self.fail_from is not None and self.count >= self.fail_from:
            raise self.error()


WATCH = Watch()


def run(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Do an operation on the numbers; a mix of devices is what a GPU says."""
    tensors = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
    placed = [t for t in tensors if isinstance(t, Placed)]
    destination = kwargs.get("device")
    if placed and function not in LENIENT | MOVES:
        strangers = [t for t in tensors if not isinstance(t, Placed) and t.dim()]
        if strangers:
            raise RuntimeError(f"{function}: tensors on {DEVICE} and on the CPU")
    there = bool(placed) or (destination is not None and torch.device(destination).type == "cuda")
    if there:
        WATCH.look(function)
    if destination is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    numbers = tree_map_only(Placed, lambda t: t.numbers, (args, kwargs))
    with torch.utils._python_dispatch._disable_current_modes():
        result = function(*numbers[0], **numbers[1])
    if placed and function._schema.name.endswith("_"):
        return args[0]
    return tree_map(lambda t: Placed(t) if there and isinstance(t, Tensor) else t, result)


class Pretend(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """New tensors and moves land on the device that they name."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


@contextmanager
def pretended(monkeypatch: pytest.MonkeyPatch, **watch: Any) -> Iterator[Watch]:
    """One GPU with 8 GiB free, for whatever runs inside; what it sees."""
    global WATCH
    WATCH = Watch(**watch)
    cuda = torch.cuda
    for name, value in {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "mem_get_info": lambda device=None: (8 * 2**30, 8 * 2**30),
        "memory_reserved": lambda device=None: 0,
        "memory_allocated": lambda device=None: 0,
        "max_memory_allocated": lambda device=None: 0,
        "reset_peak_memory_stats": lambda device=None: None,
        "get_device_name": lambda device=None: "Pretended",
        "get_device_capability": lambda device=None: (9, 0),
        "empty_cache": lambda: None,
        "_lazy_init": lambda: None,
    }.items():
        monkeypatch.setattr(cuda, name, value)
    overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # a tensor's class is kept
    chunk = runtime.chunk

    @contextmanager
    def pretending(*names: Any, **options: Any) -> Iterator[None]:
        with chunk(*names, **options), Pretend():  # type: ignore[no-untyped-call]  # a mode is a thread's own
            yield

    monkeypatch.setattr(runtime, "chunk", pretending)
    try:
        yield WATCH
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrites)
