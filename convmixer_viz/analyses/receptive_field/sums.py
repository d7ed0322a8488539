"""The sums over pictures that a receptive field is made of, in float64; they add up across
processes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.receptive_field import statistics
from convmixer_viz.engine import distributed
from convmixer_viz.questions.receptive_field import Reduction

Floats = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Sums:
    """What pictures have added so far; `count` and the rest are sums over pictures."""

    count: Floats  # ()
    pixels: Floats  # (blocks, h, w), the chosen reduction
    tokens: Floats  # (blocks, H, W), the same by token
    tokens_squared: Floats  # (blocks, H, W), each picture's tokens squared, for the spread
    square: Floats  # (blocks, H, W), the square reduction by token
    sigma: Floats  # (blocks,), each picture's own σ of the square reduction, in tokens
    sigma_squared: Floats  # (blocks,)

    @classmethod
    def empty(cls, blocks: int, sides: tuple[int, int], grid: tuple[int, int]) -> Sums:
        """Nothing added yet, for fields of sides (h, w) px and a grid (H, W)."""
        return cls(
            count=np.zeros(()),
            pixels=np.zeros((blocks, *sides)),
            tokens=np.zeros((blocks, *grid)),
            tokens_squared=np.zeros((blocks, *grid)),
            square=np.zeros((blocks, *grid)),
            sigma=np.zeros(blocks),
            sigma_squared=np.zeros(blocks),
        )

    def add(
        self, group: slice, gradients: Tensor, reduction: Reduction, centre: tuple[float, float]
    ) -> None:
        """Add one picture's gradients (group, 3, p·H, p·W) of some blocks; centre in tokens."""
        pixels, square = (_reduce(gradients, name) for name in (reduction, "square"))
        height, width = pixels.shape[1:]
        tokens, squares = (_by_token(m, self.tokens.shape[1:]) for m in (pixels, square))
        sigmas = np.array([statistics.sigma(field, centre) for field in squares])
        if group.start == 0:  # the last group of a picture
            self.count += 1
        self.pixels[group, :height, :width] += pixels
        self.tokens[group] += tokens
        self.tokens_squared[group] += tokens**2
        self.square[group] += squares
        self.sigma[group] += sigmas
        self.sigma_squared[group] += sigmas**2

    def reduce(self) -> None:
        """Add up the joined processes, in place; alone, nothing changes."""
        for field in fields(self):
            values = torch.from_numpy(getattr(self, field.name))
            setattr(self, field.name, distributed.summed(values).numpy())


def _reduce(gradients: Tensor, reduction: str) -> Floats:
    """Over the colours, float64."""
    gradients = gradients.double()
    if reduction == "square":
        gradients = gradients.square()
    else:
        gradients = gradients.abs() if reduction == "absolute" else gradients.relu()
    return np.asarray(gradients.sum(1).cpu())


def _by_token(pixels: Floats, grid: tuple[int, ...]) -> Floats:
    count, height, width = pixels.shape
    cells = pixels.reshape(count, grid[0], height // grid[0], grid[1], width // grid[1])
    return np.asarray(cells.sum((2, 4)))
