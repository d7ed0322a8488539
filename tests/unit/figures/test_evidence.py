"""The sum adds up, the strip and the probe show every block."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz.figures import evidence as figures
from convmixer_viz.questions.evidence import Evidence
from tests.unit.figures.images import pixels


def test_the_map_drawn_is_the_exact_one(evidence: Evidence) -> None:
    heat, _ = figures.draw(evidence).data
    np.testing.assert_array_equal(heat.z, evidence.exact)
    heat, _ = figures.draw(evidence, block=1, limit=9.0).data
    np.testing.assert_array_equal(heat.z, evidence.maps[1])
    assert heat.zmax == 9


def test_the_sum_adds_up(evidence: Evidence) -> None:
    sentence = figures.describe_sum(evidence)
    total, bias, both, logit = (float(n) for n in re.findall(r"[-+]?\d+\.\d{4}", sentence))
    assert total + bias == pytest.approx(both, abs=2e-4)
    assert both == pytest.approx(logit, abs=2e-4)
    assert "class 3 rather than class 1" in sentence


def test_the_probe_has_a_point_a_block(evidence: Evidence) -> None:
    (line,) = figures.draw_probes(evidence).data
    np.testing.assert_array_equal(line.y, evidence.probe_probability)
    assert tuple(line.text) == evidence.probe_names


def test_a_contrast_has_a_line_a_class_beside_the_axis(evidence: Evidence) -> None:
    known = replace(evidence, target_name="West Highland white terrier rather than cat")
    title = figures.draw_probes(known).layout.yaxis.title.text
    assert title == "probe: West Highland …<br>rather than cat"


def test_the_probe_names_a_class_where_it_changes(evidence: Evidence) -> None:
    known = replace(evidence, probe_names=("cat", "cat", "West Highland white terrier", "cat"))
    notes = figures.draw_probes(known).layout.annotations
    assert [(note.x, note.text) for note in notes] == [
        (0, "cat"),
        (2, "West Highland …"),
        (3, "cat"),
    ]


@pytest.mark.parametrize(
    ("top", "start"),
    [
        ([3, 1, 1, 1], "From block 1 on"),
        ([1, 1, 1, 1], "From the stem on"),
        ([1, 1, 1, 2], "From block 3 on"),
    ],
)
def test_where_the_decision_appears(evidence: Evidence, top: list[int], start: str) -> None:
    known = replace(evidence, probe_top=np.array(top))
    assert start in figures.describe_decision(known)


def test_the_strip_has_a_thumbnail_a_block(evidence: Evidence) -> None:
    shown = pixels(figures.strip_png(evidence, scale=2))
    assert shown.shape[:2] == (16, 2 * (4 * 8 + 3))


def test_each_token_votes_for_the_class_that_it_speaks_for_most(evidence: Evidence) -> None:
    names = [f"class {number}" for number in range(10)]
    heat, *legend = figures.draw_votes(evidence, names).data
    winners = evidence.per_class.argmax(0)
    assert np.array_equal(figures.votes(evidence), winners)
    assert (np.array(heat.text) == np.array(names)[winners]).all()
    shares = {trace.name.split(":")[0]: trace.name for trace in legend}
    most = np.bincount(winners.ravel()).argmax()
    count = round(100 * (winners == most).mean())
    assert shares[f"class {most}"].endswith(f": {count} %")
