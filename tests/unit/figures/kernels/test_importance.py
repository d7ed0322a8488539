"""Importance as a statistic of the atlas, and against the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convmixer_viz import catalog
from convmixer_viz.contract import Provenance
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.kernels import atlas as atlas_figures, importance as figures
from convmixer_viz.figures.kernels.importance import WeighedAtlas
from convmixer_viz.questions.importance import Importance
from convmixer_viz.questions.kernels import KernelAtlas
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


def origin(analysis: str, **changes: str) -> Provenance:
    """Of the tiny model."""
    provenance = Provenance(
        analysis=analysis,
        preset="tiny",
        weights_sha256="0" * 64,
        untrained_seed=None,
        images=(),
        options={},
        device="cpu",
        mode="exact",
        dtype="float32",
        memory_format="channels_last",
        threads=1,
        versions={},
        seconds=1.0,
    )
    return replace(provenance, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def importance(model: LoadedModel) -> Importance:
    result = compute(catalog.IMPORTANCE, model, [picture()])
    return replace(result, provenance=origin("importance"))


@pytest.fixture
def weighed(atlas: KernelAtlas, importance: Importance) -> WeighedAtlas:
    joined = figures.join(replace(atlas, provenance=origin("kernels")), importance)
    assert joined is not None
    return joined


def test_kernels_are_sorted_and_kept_by_importance(weighed: WeighedAtlas) -> None:
    assert list(atlas_figures.orders(weighed))[-2:] == ["divergence", "logit change"]
    order = atlas_figures.sorted_channels(weighed, 2, "divergence")
    assert (np.diff(weighed.divergence[1][order]) <= 0).all() and len(order) == 12
    least = np.percentile(weighed.divergence, 75)
    kept = atlas_figures.sorted_channels(weighed, 2, "divergence", within=(75, 100))
    assert len(kept) == (weighed.divergence[1] >= least).sum()
    rows = atlas_figures.table(weighed, 2)
    assert [row["logit_change"] for row in rows] == weighed.logit_change[1].tolist()


@pytest.mark.parametrize("other", [{"preset": "other"}, {"weights_sha256": "1"}])
def test_another_models_importance_is_not_joined(
    atlas: KernelAtlas, importance: Importance, other: dict[str, str]
) -> None:
    foreign = replace(importance, provenance=origin("importance", **other))
    assert figures.join(replace(atlas, provenance=origin("kernels")), foreign) is None


def test_every_kernel_is_a_point_in_the_colour_of_its_class(weighed: WeighedAtlas) -> None:
    figure = figures.draw(weighed, "r2")
    assert sum(len(trace.x) for trace in figure.data) == 36
    for trace in figure.data:
        code = weighed.class_names.index(trace.name)
        assert np.array_equal(trace.y, weighed.divergence[weighed.code == code])
    assert figure.layout.yaxis.type == "log" and figure.layout.xaxis.type is None


def test_colours_of_a_signed_statistic_are_centred_on_zero(weighed: WeighedAtlas) -> None:
    (points,) = figures.draw(weighed, "energy", color="logit_change").data
    assert points.marker.cmax == -points.marker.cmin == np.abs(weighed.logit_change).max()
    (points,) = figures.draw(weighed, "energy", "logit_change", "block").data
    assert points.marker.color.tolist() == [1] * 12 + [2] * 12 + [3] * 12


def test_the_sentence_correlates_over_all_and_within_blocks(weighed: WeighedAtlas) -> None:
    rising = np.arange(36, dtype=np.float32).reshape(3, 12)
    known = replace(weighed, divergence=rising, r2=-rising, parity=np.ones((3, 12), np.float32))
    sentence = figures.describe(known, "r2", "divergence")
    assert "ρ -1.00 over all 36 kernels, -1.00 to -1.00" in sentence
    assert "no correlation" in figures.describe(known, "parity", "divergence")


def test_zeros_have_no_power_of_ten(weighed: WeighedAtlas) -> None:
    off = weighed.divergence.copy()
    off[0, 0] = 0
    figure = figures.draw(replace(weighed, divergence=off), "r2")
    assert figure.layout.yaxis.type is None
