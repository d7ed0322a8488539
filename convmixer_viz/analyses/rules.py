"""Attribution by changed backward rules at the activations: captum's, on a twin of the model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import lazy_loader as lazy

from convmixer_viz.analyses.evidence import head_row
from convmixer_viz.analyses.gradients import gradient
from convmixer_viz.analyses.scene import Plan, Scene, baselines, once

if TYPE_CHECKING:
    import captum.attr
    import torch
    from torch import Tensor, nn
else:
    torch = lazy.load("torch")
    captum = lazy.load("captum")


def guided_backprop(scene: Scene) -> Plan:
    """The gradient, with negative signals stopped at each ReLU (Springenberg et al. 2015)."""
    return once(lambda: _captum(scene, "GuidedBackprop", scene.pixels)[0])


def deeplift(scene: Scene) -> Plan:
    """Rescale rule: differences to the baseline's activations instead of derivatives, the mean
    over the baselines (Shrikumar et al. 2017)."""
    blanks = torch.split(baselines(scene), 1)

    def maps() -> Iterator[Tensor]:
        total = torch.zeros_like(scene.pixels[0], dtype=torch.float64)
        for done, blank in enumerate(blanks, 1):
            total = total + _captum(scene, "DeepLift", scene.pixels, blank)[0]
            yield total / done

    return Plan(len(blanks), maps())


def plain_gradient(scene: Scene) -> Tensor:
    """What Guided Backprop is where it finds no ReLU, (3, h, w)."""
    return gradient(scene, scene.pixels)[0]


def gradient_x_difference(scene: Scene) -> Tensor:
    """What DeepLift is where it knows no activation, (3, h, w)."""
    return plain_gradient(scene) * (scene.pixels - baselines(scene)).double().mean(0)


def _captum(scene: Scene, name: str, *arguments: Tensor) -> Tensor:
    """One call of captum on its own modules, (n, 3, h, w) float64."""
    method = getattr(captum.attr, name)(_scorer(scene))
    fresh = [argument.detach().clone() for argument in arguments]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # captum announces its hooks each time
        found: Tensor = method.attribute(*fresh, target=0)
    return found.detach().double()


def _scorer(scene: Scene) -> nn.Sequential:
    """The score as modules of its own over the model's tensors, (n, 3, h, w) → (n, 1): captum
    hooks modules, and finds an activation's rows in one call only here."""
    twin, nn = scene.model.module.twin(), torch.nn
    head = nn.Linear(twin.head.in_features, 1)
    head.weight = nn.Parameter(head_row(twin, scene.target)[None].to(twin.head.weight), False)
    head.bias = nn.Parameter(scene.target.score(twin.head.bias)[None].clone(), False)
    return nn.Sequential(twin.stem, twin.blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
