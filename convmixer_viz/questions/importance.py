"""Importance: what each depthwise kernel matters, by switching it off alone, over many pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.presets.table import Shape

TENTHS = 10  # random parts of the kernels, each of which is switched off at once, too
STATISTICS = {  # name: what people read, with its unit
    "divergence": "importance: Jensen–Shannon divergence without the kernel (bits)",
    "logit_change": "importance: change of the class's logit without the kernel",
}


@dataclass(frozen=True, slots=True)
class Options:
    FIRST_BLOCK = 1  # the stem, block 0, has no depthwise kernels
    blocks: Annotated[tuple[int, ...], "blocks to measure, 1 … depth; none is all"] = ()
    target: Annotated[
        str | None, "class whose logit is followed; none is what the model says of each picture"
    ] = None
    seed: Annotated[int, "seed of the random tenths that are switched off at once"] = 0
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def passes(self, shape: Shape, side: int) -> int:
        """How often a picture goes through the model, or a share of it: cost is in proportion."""
        return (len(self.blocks) or shape.depth) * shape.dim


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Importance(Result):
    """What follows when a kernel's branch is off (γ = 0, and β = 0 where a skip passes it by):
    means over the pictures, and their standard errors, which are not a number for one picture."""

    blocks: NDArray[np.int64]  # (blocks,), from 1
    pictures: int
    target_name: str | None  # none: each picture's own first class, of the unchanged model
    logit_change: NDArray[np.float32]  # (blocks, dim), the logit without the kernel minus with it
    logit_error: NDArray[np.float32]  # (blocks, dim)
    divergence: NDArray[np.float32]  # (blocks, dim), Jensen–Shannon, bits, of the two predictions
    divergence_error: NDArray[np.float32]  # (blocks, dim)
    tenth: NDArray[np.int64]  # (blocks, dim), 0 … 9: the random tenth that a kernel belongs to
    tenth_logit_change: NDArray[np.float32]  # (2, 10): a tenth off at once; the sum of its kernels'
    tenth_logit_error: NDArray[np.float32]  # (2, 10)
    tenth_divergence: NDArray[np.float32]  # (2, 10), the same in bits
    tenth_divergence_error: NDArray[np.float32]  # (2, 10)

    def rows(self) -> list[dict[str, Any]]:
        """A row a kernel."""
        names = ("logit_change", "logit_error", "divergence", "divergence_error", "tenth")
        columns = {name: getattr(self, name) for name in names}
        return [
            {"block": int(block), "channel": channel}
            | {name: _number(values[index, channel]) for name, values in columns.items()}
            for index, block in enumerate(self.blocks)
            for channel in range(self.tenth.shape[1])
        ]


def _number(value: np.generic) -> float | int | None:
    number: float | int = value.item()
    return None if number != number else number
