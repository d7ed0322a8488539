"""Where a receptive field is measured and on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convmixer_viz.analyses.receptive_field import backward
from convmixer_viz.analyses.receptive_field.backward import Token, Trace
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.receptive_field import Options

LARGEST_TENSOR = 8 * 2**20  # bytes: much larger ones leave some processors' caches


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A request's model, pictures and options, and the blocks and tokens that follow from them."""

    model: LoadedModel
    images: Sequence[PreparedPicture]
    options: Options
    sides: tuple[int, int]  # of the prepared pictures, px

    @property
    def blocks(self) -> tuple[int, ...]:
        depth = self.model.preset.shape.depth
        return tuple(sorted(set(self.options.blocks))) or tuple(range(depth + 1))

    @property
    def grid(self) -> tuple[int, int]:
        shape = self.model.preset.shape
        return shape.grid(self.sides[0]), shape.grid(self.sides[1])

    @property
    def pictures(self) -> int:
        return self.options.noise or len(self.images)

    @property
    def tokens(self) -> list[Token]:
        """The tokens that are differentiated."""
        height, width = self.grid
        if self.options.central:
            rows, columns = ({(n - 1) // 2, n // 2} for n in self.grid)
            return [(row, column) for row in sorted(rows) for column in sorted(columns)]
        return [self.options.token or (height // 2, width // 2)]

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the tokens, in tokens from the upper left edge."""
        rows, columns = zip(*self.tokens, strict=True)
        return float(np.mean(rows) + 0.5), float(np.mean(columns) + 0.5)

    @property
    def state_bytes(self) -> int:
        """Bytes of one gradient on the grid, (dim, H, W)."""
        cells = self.grid[0] * self.grid[1]
        return self.model.preset.shape.dim * cells * self.model.dtype.itemsize

    @property
    def groups(self) -> list[slice]:
        """Parts of `blocks` that go back together, the deepest first: no tensor grows too large."""
        size = max(1, LARGEST_TENSOR // self.state_bytes)
        stops = range(len(self.blocks), 0, -size)
        return [slice(max(0, stop - size), stop) for stop in stops]

    def trace(self, index: int) -> Trace:
        """One picture's forward pass."""
        pixels = self._pixels(index).to(self.model.device)
        pixels = pixels.contiguous(memory_format=self.model.memory_format)
        return backward.trace(self.model.module, pixels, self.tokens, self.blocks[-1])

    def gradients(self, traced: Trace, group: slice, index: int) -> Tensor:
        """One picture's gradients (group, 3, p·H, p·W) of a group of blocks."""
        blocks = self.blocks[group]
        seeds = {block: self._seed(traced.states[block], block, index) for block in blocks}
        return backward.pull_back(self.model.module, traced, self.tokens, seeds).flip(0)

    def _pixels(self, index: int) -> Tensor:
        """(1, 3, h, w), float32 also where the model is bfloat16: the gains are float32's."""
        if self.options.noise:
            generator = torch.Generator().manual_seed(self.options.seed * 2**20 + index)
            pixels = torch.randn(1, 3, *self.sides, generator=generator)
        else:
            pixels = torch.from_numpy(self.images[index].array)[None]
        return pixels.to(torch.promote_types(self.model.dtype, torch.float32))

    def _seed(self, state: Tensor, block: int, index: int) -> Tensor:
        """∂s/∂output (tokens, dim) for the mean over the tokens of the scalar."""
        scalar, (count, dim) = self.options.scalar, state.shape
        if scalar == "relu":
            return (state > 0).to(state.dtype) / count
        if scalar == "channel":
            one = torch.arange(dim, device=state.device) == self.options.channel
            return one.to(state.dtype).expand(count, dim) / count
        if scalar == "signs":
            key = (self.options.seed * 2**20 + index) * 2**10 + block + 2**60
            generator = torch.Generator().manual_seed(key)
            signs = torch.randint(0, 2, (1, dim), generator=generator) * 2 - 1
            return signs.to(state).expand(count, dim) / count
        return torch.ones_like(state) / count


def plan(model: LoadedModel, images: Sequence[PreparedPicture], options: Options) -> Measurement:
    """What is measured."""
    height, width = images[0].array.shape[1:]
    return Measurement(model, images, options, (height, width))
