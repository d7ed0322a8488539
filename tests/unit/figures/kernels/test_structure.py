"""Curves over depth with their bands, and how the kernels formed."""

from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz.analyses.kernels import atlas, structure as analysis
from convmixer_viz.figures.kernels import formation, structure
from convmixer_viz.questions.structure import CURVES
from tests.conftest import TINY, calibrated, loaded
from tests.unit.analyses.kernels.test_formation import follow, model

__all__ = ["model"]  # a fixture


def described(depth=3):
    preset = replace(TINY, shape=replace(TINY.shape, depth=depth))
    *_, last = analysis.compute(loaded(preset, calibrated(preset)), (), analysis.Options())
    return last.partial


@pytest.fixture(scope="module")
def found():
    return described()


def test_every_curve_stands_over_its_band(found):
    figure = structure.draw(found)
    assert len(figure.data) == 2 * len(CURVES)
    band, line = figure.data[:2]
    assert list(line.x) == [1, 2, 3]
    assert np.array_equal(line.y, found.mean_effective_size_50)
    assert set(band.y) == set(found.mean_effective_size_50_band.ravel())


def test_unlike_depths_line_up(found):
    figure = structure.compare([found, described(2)], curves=("mean_parity",))
    lines = [trace for trace in figure.data if trace.fill is None]
    assert [line.x[-1] for line in lines] == [1, 1]
    assert lines[0].line.color != lines[1].line.color


def test_class_shares_stack_to_one(found):
    figure = structure.draw_classes([found])
    assert sum(np.asarray(bars.y) for bars in figure.data) == pytest.approx(1)


def test_the_other_pictures_draw(found):
    k = found.kernel_size
    assert structure.draw_covariance(found, 1).data[0].z.shape == (k * k + k - 1,) * 2
    assert np.sum(structure.draw_eigenvalues([found], 1).data[0].y) == pytest.approx(1)
    assert structure.eigenkernels_png(found, 1).startswith(b"\x89PNG")
    assert len(structure.draw_rings([found, found]).data) == 2 * (3 + 1)
    assert len(structure.draw_pointwise([found]).data) == 1


def test_a_glance_at_the_atlas_has_the_same_shares(found):
    *_, last = atlas.compute(loaded(), (), atlas.Options())
    bars = [trace for trace in structure.draw_summary(last.partial).data if trace.type == "bar"]
    for bar in bars:
        code = found.class_names.index(bar.name)
        assert np.array_equal(bar.y, found.class_shares[:, code])
    assert sum(np.asarray(bar.y) for bar in bars) == pytest.approx(1)


def test_formation_follows_blocks_and_kernels(model):
    result = follow(model)
    assert [trace.name for trace in formation.draw(result).data] == [
        "block 1",
        "block 2",
        "block 3",
    ]
    edges = [t for t in formation.draw_classes(result, 2).data if t.name == "first derivative"]
    assert edges[0].y[-1] == 1
    assert formation.draw_kernel(result, 2, 7).data[0].customdata[-1] == "first derivative"
    grid = formation.grid(result, 2, 10, range(12))
    assert grid.bands[0].texts[3].startswith("3: first derivative, R² 0.9")
    assert formation.grid(result, 2, 0, range(12)).bands[0].png != grid.bands[0].png
    assert "12 of 12 kernels of block 2 end with a class" in formation.describe(result, 2)
    assert "since epoch 4" in formation.describe(result, 2)
    assert formation.filmstrip_png(result, 2, 0).startswith(b"\x89PNG")
