"""Layers in numbers against the paper's own and against the module itself."""

from __future__ import annotations

import pytest
import torch

from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets import architecture
from convmixer_viz.presets.table import PRESETS
from tests.conftest import TINY

SUMS = {  # reference: multiply-adds of all convolutions and the head at 224 px
    "imagenet-768-32": (21_110_248, 20_676_851_712, 1351),
    "imagenet-1024-20": (24_383_464, 5_948_547_072, 2254),
    "imagenet-1536-20": (51_625_960, 51_099_168_768, 1127),
}


@pytest.mark.parametrize("name", SUMS)
def test_layers_add_up_to_the_published_presets(name: str) -> None:
    layers = architecture.layers(PRESETS[name])
    parameters, adds, field = SUMS[name]
    assert sum(layer.parameters for layer in layers) == parameters == PRESETS[name].parameters
    assert sum(layer.multiply_adds for layer in layers) == adds
    assert layers[-2].field == field and len(layers) == PRESETS[name].shape.depth + 2


def test_layers_are_those_of_the_module() -> None:
    module = ConvMixer(TINY.shape, TINY.class_count).eval()
    layers = architecture.layers(TINY, 21)
    parts = [module.stem, *module.walk(), module.head]
    assert [layer.parameters for layer in layers] == [
        sum(p.numel() for p in part.parameters()) for part in parts
    ]
    with torch.no_grad():
        states = list(module.states(torch.zeros(1, 3, 21, 21)))
    assert [layer.output for layer in layers[:-1]] == [tuple(s.shape[1:]) for s in states]
    assert layers[-1].output == (10,)
