"""One kernel's panels, sentence and tables."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.kernels import kernel as figures
from convmixer_viz.questions.kernel import Kernel
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


def look(model: LoadedModel, block: int) -> Kernel:
    """Channel 3 of a block."""
    return compute(catalog.KERNEL, model, [picture()], block=block, channel=3)


@pytest.fixture(scope="module")
def kernel(model: LoadedModel) -> Kernel:
    return look(model, block=2)


def test_panels_share_the_kernels_limits(kernel: Kernel) -> None:
    figure = figures.draw(kernel)
    assert [trace.type for trace in figure.data] == 5 * ["heatmap"] + ["image"]
    largest = float(np.abs(kernel.weights).max())
    assert all(trace.zmax == -trace.zmin == largest for trace in figure.data[:3])
    assert figures.draw(kernel, limit=9.0).data[0].zmax == 9
    assert f"±{largest:.3g}" in figure.layout.annotations[0].text
    assert np.array_equal(figure.data[1].z, kernel.template)


def test_the_sentence_names_class_and_threshold(kernel: Kernel) -> None:
    sentence = figures.describe(kernel)
    assert f"{kernel.threshold:.2f}" in sentence
    assert kernel.best_name in sentence.lower() or kernel.class_name in sentence.lower()


def test_the_table_holds_every_statistic(kernel: Kernel) -> None:
    rows = figures.table(kernel)
    assert len(rows) == len(kernel.statistics) + 2
    assert all(row["what"] and row["value"] for row in rows)


def test_neighbours_have_pictures_where_there_are_kernels(model: LoadedModel) -> None:
    first, last = look(model, block=1), look(model, block=3)
    assert figures.inputs_table(first) == []
    assert figures.patch_filter_png(first)
    assert figures.outputs_table(first)[0]["kernel"].startswith("data:image/png")
    assert figures.patch_filter_png(last) is None
    assert figures.outputs_table(last)[0]["kernel"] is None
    assert figures.inputs_table(last)[0]["channel"] == last.inputs[0]
