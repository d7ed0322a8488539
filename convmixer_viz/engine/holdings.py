"""What a computation holds between two steps, counted: arrays and tensors that it can reach."""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

# code and its surroundings are everybody's
_SHARED = (type, types.ModuleType, types.CodeType, types.BuiltinFunctionType, str, bytes)


def held_bytes(work: Iterator[Any], shared: Sequence[Any] = ()) -> int:
    """Bytes of all tensors and arrays that suspended work reaches, each memory counted once, but
    for what `shared` objects hold, and the tensors of modules among them. Not while it runs."""
    modules = [one for one in shared if isinstance(one, torch.nn.Module)]
    tensors = (t for module in modules for t in (*module.parameters(), *module.buffers()))
    counted = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    seen = {id(one) for one in shared}
    waiting: list[Any] = [work]
    total = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen.add(id(one))
        if isinstance(one, torch.Tensor | np.ndarray):
            address, size = _memory(one)
            total += 0 if address in counted else size
            counted.add(address)
        else:
            waiting += _parts(one)
    return total


def _parts(one: Any) -> Iterable[Any]:
    if isinstance(one, types.FunctionType):  # gc would go on to all that its module knows
        return [*(one.__closure__ or ()), *(one.__defaults__ or ())]
    return gc.get_referents(one)


def _memory(array: Any) -> tuple[int, int]:
    """Where the memory behind a tensor or an array is, and its bytes."""
    if isinstance(array, torch.Tensor):
        storage = array.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    while isinstance(array.base, np.ndarray):
        array = array.base
    if isinstance(array.base, torch.Tensor):
        return _memory(array.base)
    return array.__array_interface__["data"][0], array.nbytes
