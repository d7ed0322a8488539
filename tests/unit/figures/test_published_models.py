"""The published numbers, and that the true costs stand beside the published ones."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.figures import published_models
from convmixer_viz.presets.table import PRESETS


def test_true_costs_count_the_depthwise_convolutions() -> None:
    costs = {
        name: published_models.true_giga_macs(PRESETS[name])
        for name in published_models.CONVMIXER_THROUGHPUT
    }
    assert costs == pytest.approx(
        {"imagenet-768-32": 20.677, "imagenet-1024-20": 5.949, "imagenet-1536-20": 51.099},
        abs=5e-4,
    )


def test_every_model_stands_in_each_panel_once() -> None:
    fig = published_models.draw()
    for axis in ("x", "x2", "x3"):
        traces = [t for t in fig.data if t.xaxis == axis and "published" not in t.name]
        names = [name for trace in traces for name in trace.text]
        assert sorted(names) == sorted(
            [model.name for model in published_models.MODELS] + ["768/32", "1024/20", "1536/20"]
        )
    (published,) = (trace for trace in fig.data if "published" in trace.name)
    (true,) = (t for t in fig.data if t.name == "ConvMixer" and t.xaxis == "x2")
    assert list(published.x) == [19.55, 5.55, 48.68]
    assert (np.array(true.x) > np.array(published.x)).all() and true.y == published.y


def test_every_model_lies_inside_the_axes() -> None:
    fig = published_models.draw()
    for trace in fig.data:
        low, high = fig.layout[trace.xaxis.replace("x", "xaxis")].range
        assert low < np.log10(min(trace.x)) and np.log10(max(trace.x)) < high
        assert all(75.4 < y < 82.6 for y in trace.y)
