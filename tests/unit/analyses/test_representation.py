"""Gram matrices are products of the blocks' own outputs; too many pictures are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.representation import compute
from convmixer_viz.contract import Step
from convmixer_viz.engine import hardware
from convmixer_viz.errors import DeviceError
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


def test_too_many_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda device: 2**16)
    with pytest.raises(DeviceError, match=r"10 pictures at 16 pixels .* about 3 pictures do"):
        steps(pictures(10))
