"""Muon (Keller Jordan, 2024): momentum whose step is made nearly orthogonal, a matrix at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of x, x·xᵀ·x and (x·xᵀ)²·x: steep at zero
_ITERATIONS = 5
_SMALLEST_NORM = 1e-7


class Muon(Optimizer):
    """torch.optim.Muon with Nesterov momentum, for weights of any shape: each is taken as the
    matrix `weight.flatten(1)`, which torch's own, made for 2-D parameters, doesn't do. The
    iterations' dtype is torch's, bfloat16, unless a processor without it asks for float32."""

    def __init__(
        self,
        weights: Iterable[Tensor],
        *,
        learning_rate: float,
        weight_decay: float,
        momentum: float = 0.9,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        options = {"lr": learning_rate, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(weights, options)
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient; a closure is never called."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._change(weight, group["lr"], group["weight_decay"], group["momentum"])

    def _change(self, weight: Tensor, rate: float, decay: float, momentum: float) -> None:
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        average = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        matrix = gradient.lerp(average, momentum).flatten(1)
        rows, columns = matrix.shape
        weight.mul_(1 - rate * decay)
        change = orthogonalise(matrix, self._dtype).view_as(weight)
        weight.add_(change, alpha=-rate * math.sqrt(max(1, rows / columns)))


def orthogonalise(matrix: Tensor, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """U·S·Vᵀ → about U·Vᵀ (most singular values between 0.7 and 1.2) in a dtype, by five
    Newton–Schulz iterations."""
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.to(dtype).T if tall else matrix.to(dtype)
    x = x / x.norm().clamp(min=_SMALLEST_NORM)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
