"""Attribution by a block's tokens and the gradient with respect to them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from convmixer_viz.analyses.attribution.question import Plan, Question, one_chunk
from convmixer_viz.analyses.evidence import contributions, head_row
from convmixer_viz.analyses.target import chosen_block


def grad_cam(question: Question) -> Plan:
    """Σ over channels of mean gradient times tokens, without the final ReLU."""
    return _cam(question, lambda tokens, slope: slope.mean((1, 2), keepdim=True) * tokens)


def hirescam(question: Question) -> Plan:
    """Σ over channels of gradient times tokens (Draelos and Carin 2020)."""
    return _cam(question, lambda tokens, slope: slope * tokens)


def layer_cam(question: Question) -> Plan:
    """Σ over channels of positive gradient times tokens, without the final ReLU."""
    return _cam(question, lambda tokens, slope: slope.clamp(min=0) * tokens)


def evidence(question: Question) -> Tensor:
    """The exact contribution of each token of the last block to the score, (H, W) float64."""
    return contributions(question.tokens.double(), head_row(question.model.module, question.target))


def _cam(question: Question, combine: Callable[[Tensor, Tensor], Tensor]) -> Plan:
    block = chosen_block(question.model, question.options.block)

    def combined() -> Tensor:
        last = block == len(question.model.module.blocks)
        tokens, slope = _last_block(question) if last else _earlier_block(question, block)
        return combine(tokens.double(), slope.double()).sum(0)

    return one_chunk(combined)


def _last_block(question: Question) -> tuple[Tensor, Tensor]:
    """The last block's output and the score's gradient with respect to it, (dim, H, W) each:
    pooling and head are linear, so there is no backward pass."""
    row = head_row(question.model.module, question.target) / question.tokens[0].numel()
    return question.tokens, row[:, None, None].expand(question.tokens.shape)


def _earlier_block(question: Question, block: int) -> tuple[Tensor, Tensor]:
    """The same of an earlier block."""
    module = question.model.module

    def tokens_and_slope(part: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            tokens = module.blocks[:block](module.embed(part))
        tokens.requires_grad_()
        score = question.target.score(module.classify(module.blocks[block:](tokens)))
        return tokens.detach(), torch.autograd.grad(score.sum(), tokens)[0]

    tokens, slope = question.model.call(tokens_and_slope, question.pixels)
    return tokens[0], slope[0]
