"""A picture alone against the same one in company, of every shape that ships: the same bits."""

from __future__ import annotations

import pytest
import torch

from convmixer_viz.presets.table import PRESETS, Preset
from tests.conftest import TINY, loaded

SHAPES = [TINY, *(preset for preset in PRESETS.values() if not preset.published)]


@pytest.mark.parametrize("preset", SHAPES, ids=lambda preset: preset.name)
def test_a_picture_is_the_same_alone_and_in_company(preset: Preset) -> None:
    """At three places in batches of 2, 3, 8 and 16; large pictures go one by one anyway."""
    model, side = loaded(preset), preset.transform.size
    counts = (2, 3, 8, 16) if model.batch_size(side) > 1 else (2,)
    pixels = torch.randn(16, 3, side, side, generator=torch.Generator().manual_seed(1))
    alone = {i: model.logits(model.place(pixels[i : i + 1]))[0] for i in {0, 1, 2, 4, 7, 8, 15}}
    assert max(row.abs().max() for row in alone.values()) > 0.1
    for count in counts:
        together = model.logits(model.place(pixels[:count]))
        for place in {0, count // 2, count - 1}:
            assert torch.equal(together[place], alone[place]), (count, place)


def test_gradients_are_the_same_alone_and_in_company() -> None:
    model = loaded(PRESETS["cifar10-128-8-k9"])
    pixels = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    def input_gradient(part: torch.Tensor) -> torch.Tensor:
        part = part.detach().requires_grad_()
        return torch.autograd.grad(model.module(part)[:, 0].sum(), part)[0]

    def gradient(pixels: torch.Tensor) -> torch.Tensor:
        return torch.cat([model.call(input_gradient, p) for p in model.parts(model.place(pixels))])

    together = gradient(pixels)
    for place in (0, 4, 7):
        assert torch.equal(together[place : place + 1], gradient(pixels[place : place + 1]))
