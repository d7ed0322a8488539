"""Which epochs the history keeps, and what stands in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets.table import PRESETS, Shape
from convmixer_viz.training import history
from convmixer_viz.training.recipes import RECIPES


@pytest.mark.parametrize(
    "name", [name for name in RECIPES if name.startswith("cifar10") and name in PRESETS]
)
@pytest.mark.parametrize("epochs", [1, 3, 12, 24, 100, 1000])
def test_chosen_epochs_fit_and_grow_apart(name: str, epochs: int) -> None:
    shape = PRESETS[name].shape
    kept = history.chosen(epochs, shape)
    assert kept[0] == 0 and kept[-1] == epochs
    gaps = [after - before for before, after in pairwise(kept)]
    assert min(gaps) >= 1 and gaps[:-1] == sorted(gaps[:-1])
    moment = history.snapshot(ConvMixer(shape, 10))
    size = sum(t.numel() * t.element_size() for t in moment.values())
    assert len(kept) * size <= 2.5e6
    assert len(kept) == epochs + 1 or (len(kept) + 3) * size > 0.7 * history.BUDGET


def test_stacked_moments() -> None:
    shape = Shape(6, 2, 5, 4)
    first, second = ConvMixer(shape, 3), ConvMixer(shape, 3)
    moments = {0: history.snapshot(first), 4: history.snapshot(second)}
    stacked = history.stacked(moments)
    assert stacked["epochs"].tolist() == [0, 4]
    assert stacked["stem"].shape == (2, 6, 3, 4, 4)
    assert stacked["depthwise"].shape == (2, 2, 6, 5, 5)
    assert stacked["depthwise"].dtype is stacked["stem"].dtype is torch.float16
    kernel = next(second.walk()).depthwise.weight[3, 0].half()
    assert torch.equal(stacked["depthwise"][1, 0, 3], kernel)
