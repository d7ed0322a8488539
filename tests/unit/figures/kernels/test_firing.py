"""The windows where a kernel answers most, marked in their pictures."""

from __future__ import annotations

import numpy as np

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.kernels import firing as figures
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


def test_windows_are_marked_inside_the_picture(model: LoadedModel) -> None:
    pictures = [picture(seed) for seed in range(5)]
    result = compute(catalog.FIRING, model, pictures, block=2, channel=3, count=20)
    count = len(result.answers)
    assert len(figures.window_pngs(result)) == len(figures.captions(result)) == count
    for place in range(count):
        shown = figures.mark_window(result, place)
        changed = (shown != result.views[place]).any(-1)
        left, top, right, bottom = np.clip(result.boxes[place], 0, 16)
        assert changed[top, left:right].mean() > 0.9
        assert not changed[top + 1 : bottom - 1, left + 1 : right - 1].any()
    assert len(figures.draw(result).data) == 2 * count
