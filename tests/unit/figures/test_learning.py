"""The learning curve draws the log's own numbers."""

from __future__ import annotations

import numpy as np

from convmixer_viz.figures import learning
from convmixer_viz.presets.log import Epoch, TrainingLog

EPOCHS = [
    Epoch(1, 1.5, 0.40, None, 0.45, None, 60.0),
    Epoch(2, 1.0, 0.60, 0.9, 0.7025, 0.01, 120.0),
]
LOG = TrainingLog("tiny", {}, "", "", "", {}, {"train": 1, "test": 1}, epochs=EPOCHS)


def test_four_curves_over_the_epochs() -> None:
    curves = {(t.legendgroup, t.yaxis): np.array(t.y) for t in learning.draw(LOG).data}
    assert set(curves) == {(s, a) for s in ("train", "test") for a in ("y", "y2")}
    np.testing.assert_allclose(curves["test", "y2"], [45, 70.25])
    np.testing.assert_allclose(curves["train", "y"], [1.5, 1.0])
    assert np.isnan(curves["test", "y"][0]) and curves["test", "y"][1] == 0.9


def test_the_sentence_says_the_last_epoch_and_the_time() -> None:
    assert learning.describe(LOG).startswith("After 2 epochs and 0.1 hours: 70.25 % of the test")
