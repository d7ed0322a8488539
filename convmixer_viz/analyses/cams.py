"""Attribution by a block's tokens and the gradient with respect to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import lazy_loader as lazy

from convmixer_viz.analyses.evidence import contributions, head_row
from convmixer_viz.analyses.scene import Plan, Scene, chosen_block, once

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = lazy.load("torch")


def grad_cam(scene: Scene) -> Plan:
    """Σ over channels of mean gradient times tokens, without the final ReLU."""
    return _cam(scene, lambda tokens, slope: slope.mean((1, 2), keepdim=True) * tokens)


def hirescam(scene: Scene) -> Plan:
    """Σ over channels of gradient times tokens (Draelos and Carin 2020)."""
    return _cam(scene, lambda tokens, slope: slope * tokens)


def layer_cam(scene: Scene) -> Plan:
    """Σ over channels of positive gradient times tokens, without the final ReLU."""
    return _cam(scene, lambda tokens, slope: slope.clamp(min=0) * tokens)


def evidence(scene: Scene) -> Tensor:
    """The exact contribution of each token of the last block to the score, (H, W) float64."""
    return contributions(scene.tokens.double(), head_row(scene.model.module, scene.target))


def _cam(scene: Scene, combine: Callable[[Tensor, Tensor], Tensor]) -> Plan:
    block = chosen_block(scene.model, scene.options.block)

    def function() -> Tensor:
        last = block == len(scene.model.module.blocks)
        tokens, slope = _last(scene) if last else _at(scene, block)
        return combine(tokens.double(), slope.double()).sum(0)

    return once(function)


def _last(scene: Scene) -> tuple[Tensor, Tensor]:
    """The last block's output and the score's gradient with respect to it, (dim, H, W) each:
    pooling and head are linear, so there is no backward pass."""
    row = head_row(scene.model.module, scene.target) / scene.tokens[0].numel()
    return scene.tokens, row[:, None, None].expand(scene.tokens.shape)


def _at(scene: Scene, block: int) -> tuple[Tensor, Tensor]:
    """The same of an earlier block."""
    module = scene.model.module

    def function(part: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            tokens = module.blocks[:block](module.embed(part))
        tokens.requires_grad_()
        score = scene.target.score(module.classify(module.blocks[block:](tokens)))
        return tokens.detach(), torch.autograd.grad(score.sum(), tokens)[0]

    tokens, slope = scene.model.call(function, scene.pixels)
    return tokens[0], slope[0]
