"""What suspended work holds is counted where it is: in its frames, and what they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch

from convmixer_viz.engine.holdings import held_bytes


def suspended(work: Iterator[Any]) -> Iterator[Any]:
    next(work)
    return work


def holding(*things: Any) -> Iterator[int]:
    yield len(things)
    yield len(things)


def test_tensors_and_arrays_count_once_whatever_holds_them() -> None:
    tensor, array = torch.zeros(1000), np.zeros(500)
    views = {"rows": [tensor.view(10, 100)[3]], "columns": (array[::2], array.reshape(5, 100))}
    work = suspended(holding(tensor, tensor[1:], views, array))
    assert held_bytes(work) == 4000 + 4000
    assert held_bytes(suspended(holding(np.asarray(tensor.numpy()), tensor))) == 4000


def test_what_closures_partials_caches_and_inner_generators_hold_counts() -> None:
    tensor, other, cached = torch.zeros(100), torch.zeros(200), torch.zeros(400)

    def closure() -> torch.Tensor:
        return tensor

    @lru_cache(4)
    def cache() -> torch.Tensor:
        return cached * 1

    cache()
    inner: Callable[[], Any] = partial(holding, other)
    work = suspended(holding(closure, inner, cache, suspended(holding(torch.zeros(800)))))
    assert held_bytes(work) == 4 * (100 + 200 + 2 * 400 + 800)


def test_work_that_was_not_begun_holds_its_arguments() -> None:
    assert held_bytes(holding(torch.zeros(10))) == 40


def test_a_kept_model_is_not_the_works_own() -> None:
    model, copy = torch.nn.Linear(10, 10), torch.nn.Linear(10, 10)
    own = torch.zeros(7)
    work = suspended(holding(model, model.weight.T, copy, own))
    assert held_bytes(work, [model]) == 4 * (110 + 7)
    assert held_bytes(work) == 4 * (220 + 7)
