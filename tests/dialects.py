"""A state dict in our names (timm's) as other libraries name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

State = dict[str, Tensor]


def as_timm(state: Mapping[str, Tensor]) -> State:
    return dict(state)


def as_authors(state: Mapping[str, Tensor]) -> State:
    """nn.Sequential: stem 0 to 2, blocks from 3 on, pool, flatten, head."""
    depth = sum(name.endswith(".0.fn.0.weight") for name in state)

    def rename(name: str) -> str:
        name = re.sub(r"^stem\.", "", name)
        name = re.sub(r"^blocks\.(\d+)", lambda m: str(int(m[1]) + 3), name)
        return re.sub(r"^head\.", f"{depth + 5}.", name)

    return {rename(name): tensor for name, tensor in state.items()}


def as_mmpretrain(state: Mapping[str, Tensor]) -> State:
    def rename(name: str) -> str:
        name = re.sub(r"^stem\.", "backbone.stem.", name)
        return re.sub(r"^head\.", "head.fc.", re.sub(r"^blocks\.", "backbone.stages.", name))

    return {rename(name): tensor for name, tensor in state.items()}


DIALECTS: dict[str, Callable[[Mapping[str, Tensor]], State]] = {
    "timm": as_timm,
    "authors": as_authors,
    "mmpretrain": as_mmpretrain,
}
