"""Gram matrices are products of the blocks' own outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from convmixer_viz.analyses import representation
from convmixer_viz.analyses.representation import compute
from convmixer_viz.contract import Step
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.representation import Options, Representation
from tests.conftest import final, loaded


def pictures(count: int) -> list[PreparedPicture]:
    arrays = torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(3)).numpy()
    view, box = np.zeros((16, 16, 3), np.uint8), (0.0, 0.0, 16.0, 16.0)
    return [PreparedPicture(f"{i}", f"sha {i}", array, view, box) for i, array in enumerate(arrays)]


def steps(images: list[PreparedPicture], **options: Any) -> list[Step[Representation]]:
    return list(compute(loaded(), images, Options(**options)))


def test_gram_is_every_pair_of_the_blocks_flat_outputs() -> None:
    images, model = pictures(5), loaded()
    result = final(steps(images))
    with torch.no_grad():
        states = list(model.module.states(model.tensor(images)))
    for gram, state, row in zip(result.gram, states, result.rows(), strict=True):
        flat = state.flatten(1).double().numpy()
        assert gram == pytest.approx(flat @ flat.T, rel=1e-6)
        norms = np.linalg.norm(flat, axis=1)
        assert row["mean_squared_norm"] == pytest.approx((norms**2).mean())
    assert result.blocks == (0, 1, 2, 3) and result.images == tuple(f"sha {i}" for i in range(5))


def test_steps_and_partials_grow_block_by_block() -> None:
    all_steps = steps(pictures(10))  # two calls a block
    assert [step.done for step in all_steps] == list(range(1, 9)) and all_steps[0].total == 8
    assert [len(s.partial.blocks) for s in all_steps if s.partial] == [1, 2, 3, 4]
    some = steps(pictures(3), blocks=(2, 1))
    assert final(some).blocks == (1, 2) and some[-1].total == 3
    assert np.allclose(final(some).gram, final(steps(pictures(3))).gram[1:3])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("columns", [2**16, 64, 50])
def test_products_in_parts_are_those_of_whole_features(
    monkeypatch: pytest.MonkeyPatch, layout: torch.memory_format, columns: int
) -> None:
    monkeypatch.setattr(representation, "COLUMNS", columns)
    generator = torch.Generator().manual_seed(0)
    parts = [
        torch.randn(n, 12, 4, 4, generator=generator).contiguous(memory_format=layout)
        for n in (3, 3, 1)
    ]
    features = torch.cat([part.flatten(1) for part in parts])
    gram = torch.zeros(7, 7, dtype=torch.float64)
    for wide in torch.split(features, columns, 1):
        gram += wide.double() @ wide.double().T
    assert np.array_equal(representation._gram(parts), gram.numpy())
