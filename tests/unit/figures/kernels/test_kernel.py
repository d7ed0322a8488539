"""One kernel's panels and words; the windows where it fires."""

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import firing as firing_analysis
from convmixer_viz.figures.kernels import firing, kernel as figures
from tests.conftest import loaded
from tests.unit.analyses.kernels.test_kernel import look, pictures

__all__ = ["pictures"]  # a fixture


@pytest.fixture
def seen(pictures):
    return look(loaded(), pictures[0], block=2, channel=3)


def test_panels_share_the_kernels_limits(seen):
    figure = figures.draw(seen)
    assert [trace.type for trace in figure.data] == 5 * ["heatmap"] + ["image"]
    largest = float(np.abs(seen.weights).max())
    assert all(trace.zmax == -trace.zmin == largest for trace in figure.data[:3])
    assert figures.draw(seen, limit=9.0).data[0].zmax == 9
    assert f"±{largest:.3g}" in figure.layout.annotations[0].text
    assert np.array_equal(figure.data[1].z, seen.template)


def test_the_words_name_class_and_threshold(seen):
    words = figures.describe(seen)
    assert f"{seen.threshold:.2f}" in words
    assert seen.best_name in words.lower() or seen.class_name in words.lower()


def test_numbers_hold_every_statistic(seen):
    rows = figures.table(seen)
    assert len(rows) == len(seen.statistics) + 2
    assert all(row["what"] and row["value"] for row in rows)


def test_neighbours_have_pictures_where_there_are_kernels(pictures):
    first = look(loaded(), pictures[0], block=1, channel=3)
    assert figures.inputs_table(first) == []
    assert figures.patch_filter_png(first)
    assert figures.outputs_table(first)[0]["kernel"].startswith("data:image/png")
    last = look(loaded(), pictures[0], block=3, channel=3)
    assert figures.patch_filter_png(last) is None
    assert figures.outputs_table(last)[0]["kernel"] is None
    assert figures.inputs_table(last)[0]["channel"] == last.inputs[0]


def test_the_response_is_a_picture(seen):
    assert figures.response_png(seen).startswith(b"\x89PNG")


def test_windows_are_marked_inside_the_picture(pictures):
    *_, last = firing_analysis.compute(
        loaded(), pictures, firing_analysis.Options(block=2, channel=3, count=20)
    )
    found = last.partial
    assert len(firing.window_pngs(found)) == len(firing.captions(found)) == len(found.answers)
    for place in range(len(found.answers)):
        shown = firing.mark_window(found, place)
        changed = (shown != found.views[place]).any(-1)
        left, top, right, bottom = np.clip(found.boxes[place], 0, 16)
        assert changed[top, left:right].mean() > 0.9
        assert not changed[top + 1 : bottom - 1, left + 1 : right - 1].any()
    assert len(firing.draw(found).data) == 2 * len(found.answers)
