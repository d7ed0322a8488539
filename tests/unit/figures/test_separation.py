"""Planes and probes as figures."""

from __future__ import annotations

import numpy as np

from convmixer_viz.figures import separation as figures
from tests.unit.analyses.test_separation import LABELS, survey


def test_a_point_a_picture_in_its_classs_look() -> None:
    result = survey(np.zeros((60, 1, 2), np.float16))
    plane = np.random.default_rng(0).normal(size=(60, 2))
    traces = figures.draw_plane(result, plane).data
    assert [trace.name for trace in traces] == ["a", "b", "c"]
    for label, trace in enumerate(traces):
        assert trace.customdata.tolist() == np.flatnonzero(label == LABELS).tolist()
        np.testing.assert_allclose(trace.x, plane[label == LABELS, 0], rtol=1e-6)
    (right, wrong) = figures.draw_plane(result, plane, "correctness").data
    assert len(right.x) == (LABELS == 0).sum() and len(right.x) + len(wrong.x) == 60
    looks = [tuple(figures.look_of(number).values()) for number in range(20)]
    assert len(set(looks)) == 20


def test_the_probes_curve_and_its_sentence() -> None:
    shares = np.array([0.2, 0.3, 0.6, 0.8])
    (curve,) = figures.draw_probe(shares, 50).data
    assert curve.y.tolist() == [20, 30, 60, 80] and curve.x.tolist() == [0, 1, 2, 3]
    sentence = figures.describe_probe(shares)
    assert "20.0 % of cases after the stem and 80.0 % after the last" in sentence
    assert "done by block 2." in sentence
