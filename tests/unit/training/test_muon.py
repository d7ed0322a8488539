"""Muon against torch's own on matrices, and on the shapes that torch's own refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from convmixer_viz.training.muon import Muon, orthogonalise

DECAY = 0.01


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def after_four_steps(optimizer: Optimizer, weight: nn.Parameter) -> Tensor:
    for step in range(4):
        weight.grad = draw(*weight.flatten(1).shape, 1).view_as(weight) * (step + 1) - step
        optimizer.step()
    return weight.detach().flatten(1)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
@pytest.mark.parametrize("shape", [(8, 8), (12, 5), (5, 12)])
def test_a_matrix_moves_as_under_torchs_own(shape: tuple[int, int]) -> None:
    ours, theirs = nn.Parameter(draw(*shape)), nn.Parameter(draw(*shape))
    reference = torch.optim.Muon([theirs], lr=0.1, weight_decay=DECAY, momentum=0.9)
    mine = after_four_steps(Muon([ours], learning_rate=0.1, weight_decay=DECAY), ours)
    assert torch.equal(mine, after_four_steps(reference, theirs))
    assert (mine - draw(*shape)).abs().min() > 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_moves_as_its_matrix(layout: torch.memory_format) -> None:
    matrix = nn.Parameter(draw(8, 6))
    kernels = nn.Parameter(draw(8, 6)[:, :, None, None].contiguous(memory_format=layout))
    optimizers = [Muon([w], learning_rate=0.1, weight_decay=DECAY) for w in (matrix, kernels)]
    moved = map(after_four_steps, optimizers, (matrix, kernels))
    assert torch.equal(*moved)


def test_float32_iterations_are_the_same_but_for_rounding() -> None:
    for matrix in (draw(16, 16), draw(20, 7)):
        exact, rounded = orthogonalise(matrix, torch.float32), orthogonalise(matrix)
        assert exact.dtype == torch.float32 and rounded.dtype == torch.bfloat16
        assert 0 < (exact - rounded).abs().max() < 0.05


def test_a_weight_without_gradient_stays() -> None:
    weight = nn.Parameter(draw(4, 4))
    Muon([weight], learning_rate=0.1, weight_decay=DECAY).step()
    assert torch.equal(weight.detach(), draw(4, 4))


def test_singular_values_come_near_one() -> None:
    for matrix in (draw(16, 16), draw(20, 7), 1e-3 * draw(7, 20)):
        values = torch.linalg.svdvals(orthogonalise(matrix).float())
        assert values.min() > 0.3 and values.max() < 1.3
    assert not orthogonalise(torch.zeros(3, 3)).any()
