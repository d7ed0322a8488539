"""Importance of shipped kernels against the whole model with the edit `off`, kernel by kernel."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from convmixer_viz import IMPORTANCE, PREDICTION, Workbench, agreement
from convmixer_viz.pictures.gallery import GALLERY

KERNELS = [(1, 17), (2, 99), (3, 0), (4, 119), (5, 64), (6, 127), (7, 31), (8, 5)]
PICTURES = [f"gallery:{name}" for name in GALLERY][:3]


@pytest.mark.parametrize("preset", ["cifar10-128-8-k5", "cifar10-128-8-k5-plain"])
@pytest.mark.parametrize("edits", [[], ["low-rank:rank=2:blocks=3-8", "off:blocks=2:kernels=4+9"]])
def test_eight_kernels_are_what_off_makes_of_the_whole_model(preset: str, edits: list[str]) -> None:
    with closing(Workbench("cpu")) as bench:
        result = bench.run(IMPORTANCE, PICTURES, preset=preset, edits=edits)
        before = bench.run(PREDICTION, PICTURES, preset=preset, edits=edits)
        rows = np.arange(len(PICTURES))
        target = before.logits.argmax(1)
        changes = []
        for block, channel in KERNELS:
            off = [*edits, f"off:blocks={block}:kernels={channel}"]
            after = bench.run(PREDICTION, PICTURES, preset=preset, edits=off)
            change = (after.logits - before.logits)[rows, target].mean()
            bits = agreement.divergence(after.probabilities, before.probabilities).mean()
            assert result.logit_change[block - 1, channel] == pytest.approx(change, abs=1e-5)
            assert result.divergence[block - 1, channel] == pytest.approx(bits, abs=1e-5)
            changes.append(abs(change))
        assert max(changes) > 0.01
        assert result.origin.edits == tuple(edits)
        if edits:
            assert not result.divergence[1, [4, 9]].any()
