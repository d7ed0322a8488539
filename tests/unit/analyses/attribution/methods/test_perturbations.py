"""Removal of tokens against removal of pixels, and RISE against its formula."""

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.attribution.methods.perturbations import (
    CELLS,
    KEPT,
    masked_picture,
    draw_coalitions,
    soft_mask,
    token_groups,
)
from convmixer_viz.analyses.attribution.question import baselines
from tests.unit.analyses.questions import question, run


def test_a_token_taken_away_is_a_patch_replaced(tiny):
    asked = question(tiny, "occlusion", baseline="blur")
    keep = torch.rand(5, 8, 8, generator=asked.generator()) > 0.4
    pixels = keep.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None]
    mixed = torch.where(pixels, asked.pixels, baselines(asked))
    torch.testing.assert_close(
        masked_picture(asked).scores(keep), tiny.module(mixed)[:, 3].double(), rtol=0, atol=1e-5
    )


def test_occlusion_one_token_at_a_time(tiny):
    asked = question(tiny, "occlusion", baseline="black")
    found, x = run(asked), asked.pixels
    for row, column in ((0, 0), (3, 7), (7, 2)):
        y = x.clone()
        y[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = baselines(asked)[..., :2, :2]
        lost = float(tiny.module(x)[0, 3] - tiny.module(y)[0, 3])
        assert float(found[row, column]) == pytest.approx(lost, abs=1e-5)


def test_rise_by_its_formula(tiny):
    asked = question(tiny, "rise", samples=20)
    generator = asked.generator()
    masks = [soft_mask((16, 16), generator) for _ in range(20)]
    chances = [float(tiny.module(asked.pixels * m).softmax(1)[0, 3]) for m in masks]
    pixels = sum(c * m for c, m in zip(chances, masks, strict=True)) / (20 * KEPT)
    expected = pixels.reshape(8, 2, 8, 2).mean((1, 3)).double()
    torch.testing.assert_close(run(asked), expected, rtol=1e-4, atol=1e-6)


def test_masks_are_soft_shifted_and_half_kept():
    generator = torch.Generator().manual_seed(0)
    masks = torch.stack([soft_mask((28, 28), generator) for _ in range(400)])
    assert masks.min() >= 0 and masks.max() <= 1
    assert float(masks.mean()) == pytest.approx(KEPT, abs=0.02)
    assert masks.mean(0).std() < 0.05
    assert ((masks > 0.1) & (masks < 0.9)).float().mean() > 0.2
    assert CELLS == 7


@pytest.mark.parametrize(("rows", "columns", "count"), [(8, 8, 64), (32, 16, 64), (5, 20, 40)])
def test_groups_cover_the_grid_evenly(rows, columns, count):
    sizes = np.bincount(token_groups(rows, columns).flatten())
    assert len(sizes) == count
    assert sizes.min() >= 1 and sizes.max() <= 2 * sizes.min() + 2


def test_coalitions_follow_the_shapley_kernel():
    drawn = draw_coalitions(8, 40_002, torch.Generator().manual_seed(0))
    assert drawn[0].all() and not drawn[1].any()
    sizes = np.bincount(drawn[2:].sum(1), minlength=9)[1:8] / 40_000
    kernel = 1 / (np.arange(1, 8) * np.arange(7, 0, -1))
    np.testing.assert_allclose(sizes, kernel / kernel.sum(), atol=0.01)
    np.testing.assert_allclose(drawn[2:].double().mean(0), 0.5, atol=0.01)
