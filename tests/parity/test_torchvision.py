"""ImageNet's class names are torchvision's, to the letter."""

from __future__ import annotations

from torchvision.models import ResNet18_Weights

from convmixer_viz.presets import classes


def test_imagenets_names_are_torchvisions() -> None:
    assert classes.names("imagenet") == tuple(ResNet18_Weights.DEFAULT.meta["categories"])
