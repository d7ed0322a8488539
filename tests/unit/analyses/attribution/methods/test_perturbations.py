"""Removal of tokens against removal of pixels, and RISE against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from convmixer_viz.analyses.attribution.methods.perturbations import (
    CELLS,
    KEEP,
    draw_coalitions,
    masked_picture,
    soft_mask,
    token_groups,
)
from convmixer_viz.analyses.attribution.question import baselines, patch_sums
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.questions.attribution import Baseline
from tests.unit.analyses.questions import assert_close, last_map, make_question


def test_a_token_taken_away_is_a_patch_replaced(tiny: LoadedModel) -> None:
    question = make_question(tiny, "occlusion", baseline="blur")
    keep = torch.rand(5, 8, 8, generator=question.generator()) > 0.4
    pixels = keep.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None]
    mixed = torch.where(pixels, question.pixels, baselines(question))
    torch.testing.assert_close(
        masked_picture(question).scores(keep), tiny.module(mixed)[:, 3].double(), rtol=0, atol=1e-5
    )


def test_occlusion_one_token_at_a_time(tiny: LoadedModel) -> None:
    question = make_question(tiny, "occlusion", baseline="black")
    lost, x = last_map(question), question.pixels
    for row, column in ((0, 0), (3, 7), (7, 2)):
        y = x.clone()
        y[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = baselines(question)[
            ..., :2, :2
        ]
        expected = float(tiny.module(x)[0, 3] - tiny.module(y)[0, 3])
        assert float(lost[row, column]) == pytest.approx(expected, abs=1e-5)


def test_rise_by_its_formula(tiny: LoadedModel) -> None:
    question = make_question(tiny, "rise", samples=20)
    generator = question.generator()
    masks = [soft_mask((16, 16), generator) for _ in range(20)]
    chances = [float(tiny.module(question.pixels * m).softmax(1)[0, 3]) for m in masks]
    weighted = [chance * mask for chance, mask in zip(chances, masks, strict=True)]
    pixels = torch.stack(weighted).sum(0) / (20 * KEEP)
    expected = pixels.reshape(8, 2, 8, 2).mean((1, 3)).double()
    torch.testing.assert_close(last_map(question), expected, rtol=1e-4, atol=1e-6)


def test_masks_are_soft_shifted_and_half_kept() -> None:
    generator = torch.Generator().manual_seed(0)
    masks = torch.stack([soft_mask((28, 28), generator) for _ in range(400)])
    assert masks.min() >= 0 and masks.max() <= 1
    assert float(masks.mean()) == pytest.approx(KEEP, abs=0.02)
    assert masks.mean(0).std() < 0.05
    assert ((masks > 0.1) & (masks < 0.9)).float().mean() > 0.2
    assert CELLS == 7


@pytest.mark.parametrize(("rows", "columns", "count"), [(8, 8, 64), (32, 16, 64), (5, 20, 40)])
def test_groups_cover_the_grid_evenly(rows: int, columns: int, count: int) -> None:
    sizes = np.bincount(token_groups(rows, columns).flatten())
    assert len(sizes) == count
    assert sizes.min() >= 1 and sizes.max() <= 2 * sizes.min() + 2


def test_coalitions_follow_the_shapley_kernel() -> None:
    drawn = draw_coalitions(8, 40_002, torch.Generator().manual_seed(0))
    assert drawn[0].all() and not drawn[1].any()
    sizes = np.bincount(drawn[2:].sum(1), minlength=9)[1:8] / 40_000
    kernel = 1 / (np.arange(1, 8) * np.arange(7, 0, -1))
    np.testing.assert_allclose(sizes, kernel / kernel.sum(), atol=0.01)
    np.testing.assert_allclose(drawn[2:].double().mean(0), 0.5, atol=0.01)


@pytest.mark.parametrize("name", ["occlusion", "kernel-shap"])
@pytest.mark.parametrize("baseline", ["mean", "blur", "noise"])
def test_removal_in_a_linear_network_is_the_patch_sum(
    line: tuple[LoadedModel, Tensor], name: str, baseline: Baseline
) -> None:
    model, weights = line
    question = make_question(model, name, baseline=baseline, samples=100)
    difference = (question.pixels - baselines(question)).mean(0)
    assert_close(last_map(question), patch_sums(weights * difference, 2))
