"""Curves over depth with their bands, classes, covariance and ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz import catalog
from convmixer_viz.figures.kernels import structure as figures
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.structure import CURVES, Structure
from tests.conftest import TINY, calibrated, loaded
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def shallow() -> Structure:
    """The structure of a model with two blocks."""
    preset = replace(TINY, shape=replace(TINY.shape, depth=2))
    return compute(catalog.STRUCTURE, loaded(preset, calibrated(preset)))


def test_every_curve_stands_over_its_band(structure: Structure) -> None:
    figure = figures.draw(structure)
    assert len(figure.data) == 2 * len(CURVES)
    band, line = figure.data[:2]
    assert list(line.x) == [1, 2, 3]
    assert np.array_equal(line.y, structure.mean_effective_size_50)
    assert set(band.y) == set(structure.mean_effective_size_50_band.ravel())


def test_unlike_depths_line_up(structure: Structure, shallow: Structure) -> None:
    figure = figures.compare([structure, shallow], curves=("mean_parity",))
    lines = [trace for trace in figure.data if trace.fill is None]
    assert [line.x[-1] for line in lines] == [1, 1]
    assert lines[0].line.color != lines[1].line.color


def test_class_shares_stack_to_one(structure: Structure) -> None:
    figure = figures.draw_classes([structure])
    assert sum(np.asarray(bars.y) for bars in figure.data) == pytest.approx(1)


def test_the_other_figures_draw(structure: Structure) -> None:
    k = structure.kernel_size
    assert figures.draw_covariance(structure, 1).data[0].z.shape == (k * k + k - 1,) * 2
    assert np.sum(figures.draw_eigenvalues([structure], 1).data[0].y) == pytest.approx(1)
    assert figures.eigenkernels_png(structure, 1).startswith(b"\x89PNG")
    assert len(figures.draw_rings([structure, structure]).data) == 2 * (3 + 1)
    assert len(figures.draw_pointwise([structure]).data) == 1


def test_the_summary_of_the_atlas_has_the_same_shares(
    atlas: KernelAtlas, structure: Structure
) -> None:
    bars = [trace for trace in figures.draw_summary(atlas).data if trace.type == "bar"]
    for bar in bars:
        code = structure.class_names.index(bar.name)
        assert np.array_equal(bar.y, structure.class_shares[:, code])
    assert sum(np.asarray(bar.y) for bar in bars) == pytest.approx(1)
