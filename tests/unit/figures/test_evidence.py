"""The audit line adds up, the strip and the probe show every block."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.analyses.evidence import compute
from convmixer_viz.figures import evidence as figures
from convmixer_viz.questions.evidence import Options
from tests.unit.analyses.questions import picture


@pytest.fixture
def result(tiny):
    *_, last = compute(tiny, [picture()], Options(target="3", against="1"))
    return last.partial


def test_the_map_drawn_is_the_exact_one(result):
    heat, _ = figures.draw(result).data
    np.testing.assert_array_equal(heat.z, result.exact)
    heat, _ = figures.draw(result, block=1, limit=9.0).data
    np.testing.assert_array_equal(heat.z, result.maps[1])
    assert heat.zmax == 9


def test_the_audit_adds_up(result):
    numbers = [float(n) for n in re.findall(r"[-+]?\d+\.\d{4}", figures.describe_sum(result))]
    total, bias, whole, logit = numbers
    assert total + bias == pytest.approx(whole, abs=2e-4)
    assert whole == pytest.approx(logit, abs=2e-4)
    assert "class 3 rather than class 1" in figures.describe_sum(result)


def test_the_probe_has_a_point_a_block(result):
    (line,) = figures.draw_probes(result).data
    np.testing.assert_array_equal(line.y, result.probe_probability)
    assert tuple(line.text) == result.probe_names


def test_the_probe_names_a_class_where_it_changes(result):
    known = replace(result, probe_names=("cat", "cat", "West Highland white terrier", "cat"))
    told = [(note.x, note.text) for note in figures.draw_probes(known).layout.annotations]
    assert told == [(0, "cat"), (2, "West Highland …"), (3, "cat")]


@pytest.mark.parametrize(("top", "words"), [
    ([3, 1, 1, 1], "From block 1 on"), ([1, 1, 1, 1], "From the stem on"),
    ([1, 1, 1, 2], "From block 3 on"),
])  # fmt: skip
def test_where_the_decision_appears(result, top, words):
    known = replace(result, probe_top=np.array(top))
    assert words in figures.describe_decision(known)


def test_the_strip_has_a_thumbnail_a_block(result):
    size = Image.open(io.BytesIO(figures.strip_png(result, scale=2))).size
    assert size == (2 * (4 * 8 + 3), 16)
