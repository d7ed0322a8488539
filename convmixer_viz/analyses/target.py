"""What an analysis explains: a class's score, or one class's rather than another's; at a block."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError


@dataclass(frozen=True, slots=True)
class Target:
    """A class index, or one class rather than another."""

    index: int
    against: int | None = None

    def score(self, logits: Tensor) -> Tensor:
        """What is explained, (…, classes) → (…): a logit or the difference of two."""
        own = logits[..., self.index]
        return own if self.against is None else own - logits[..., self.against]

    def probability(self, logits: Tensor) -> Tensor:
        """Softmax probability of the target, among all classes or between the two, float64."""
        logits = logits.double()
        if self.against is None:
            return logits.softmax(-1)[..., self.index]
        return torch.sigmoid(self.score(logits))

    def name(self, names: tuple[str, ...]) -> str:
        """'cat' or 'cat rather than dog'."""
        rather = "" if self.against is None else f" rather than {names[self.against]}"
        return names[self.index] + rather


def choose_target(
    model: LoadedModel, logits: Tensor, target: str | None, against: str | None
) -> Target:
    """The target named for one picture with logits (classes,), or else the predicted class."""
    index = model.target(target, logits)
    other = None if against is None else model.target(against, logits)
    if other == index:
        name = model.class_names[index]
        raise ChoiceError(f"{name} rather than {name} asks nothing: choose another class.")
    return Target(index, other)


def chosen_block(model: LoadedModel, block: int | None) -> int:
    """The block asked for; none is the last one."""
    return model.preset.shape.depth if block is None else block
