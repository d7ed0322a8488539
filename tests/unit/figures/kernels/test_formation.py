"""How kernels formed: a history that was made up, whose block 2 becomes edges at epoch 4."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmixer_viz.figures.kernels import formation as figures
from convmixer_viz.questions.formation import Formation
from convmixer_viz.questions.structure import CURVES

EDGE, OTHER = 0, 1
EPOCHS = np.array([0, 1, 4, 10])


@pytest.fixture
def formation() -> Formation:
    """Three blocks of 12 kernels at four epochs; the kernels of block 2 change at epoch 4."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 3, 12, 5, 5)).astype(np.float16)
    code = np.full((4, 3, 12), OTHER)
    code[2:, 1] = EDGE
    shares = np.stack([(code == EDGE).mean(2), (code == OTHER).mean(2)], axis=2)
    settled = np.zeros((3, 12), np.int64)
    settled[1] = 4
    curves: dict[str, Any] = {name: rng.random((4, 3)) for name in CURVES}
    return Formation(
        epochs=EPOCHS,
        blocks=np.arange(1, 4),
        weights=weights,
        stem=np.zeros((4, 12, 3, 2, 2), np.float16),
        code=code,
        r2=np.full((4, 3, 12), 0.9, np.float32),
        settled=settled,
        class_names=("first derivative", "other"),
        class_shares=shares,
        **curves,
    )


def test_a_line_a_block(formation: Formation) -> None:
    lines = figures.draw(formation, curve="entropy").data
    assert [line.name for line in lines] == ["block 1", "block 2", "block 3"]
    assert np.array_equal(lines[1].y, formation.entropy[:, 1])
    assert list(lines[1].x) == EPOCHS.tolist()


def test_classes_and_one_kernel_over_the_epochs(formation: Formation) -> None:
    (edges,) = (t for t in figures.draw_classes(formation, 2).data if t.name == "first derivative")
    assert edges.y[-1] == 1
    names = figures.draw_kernel(formation, 2, 7).data[0].customdata
    assert list(names) == ["other", "other", "first derivative", "first derivative"]


def test_the_grid_shows_the_kernels_of_an_epoch(formation: Formation) -> None:
    last, first = (figures.grid(formation, 2, epoch, range(12)).bands[0] for epoch in (10, 0))
    assert last.texts[3].startswith("3: first derivative, R² 0.9")
    assert first.texts[3].startswith("3: other")
    assert first.png != last.png


def test_the_sentence_says_since_when(formation: Formation) -> None:
    sentence = figures.describe(formation, 2)
    assert "12 of 12 kernels of block 2 end with a class" in sentence
    assert "since epoch 4" in sentence
    assert figures.describe(formation, 1).startswith("No kernel of block 1 has a class")


def test_filmstrip_and_movie_are_pictures(formation: Formation) -> None:
    assert figures.filmstrip_png(formation, 2, 0).startswith(b"\x89PNG")
    assert b"acTL" in figures.movie_png(formation, 2), "animated"
