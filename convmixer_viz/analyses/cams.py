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

    def function(part: Tensor) -> Tensor:
        with torch.no_grad():
            return scene.model.module.blocks(scene.model.module.embed(part))  # type: ignore[no-any-return]

    tokens = scene.model.call(function, scene.pixels)[0].double()
    return contributions(tokens, head_row(scene.model.module, scene.target))


def _cam(scene: Scene, combine: Callable[[Tensor, Tensor], Tensor]) -> Plan:
    block = chosen_block(scene.model, scene.options.block)

    def function() -> Tensor:
        tokens, slope = scene.model.call(lambda part: _tokens(scene, part, block), scene.pixels)
        return combine(tokens[0].double(), slope[0].double()).sum(0)

    return once(function)


def _tokens(scene: Scene, part: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """A block's output and the score's gradient with respect to it, (n, dim, H, W) each."""
    module, target = scene.model.module, scene.target
    with torch.no_grad():
        tokens = module.blocks[:block](module.embed(part))
    if block == len(module.blocks):  # pooling and head are linear: no backward pass
        slope = head_row(module, target)[:, None, None] / tokens[0, 0].numel()
        return tokens, slope.expand(tokens.shape)
    tokens.requires_grad_()
    score = target.score(module.classify(module.blocks[block:](tokens)))
    return tokens.detach(), torch.autograd.grad(score.sum(), tokens)[0]
