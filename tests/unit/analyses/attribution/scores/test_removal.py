"""Removal: curves, orders, imputation and infidelity against answers known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from convmixer_viz.analyses.attribution import faithfulness
from convmixer_viz.analyses.attribution.question import Question, patch_sums
from convmixer_viz.analyses.attribution.scores import removal
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.edits import edited
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.questions.faithfulness import NEVER, Options
from convmixer_viz.questions.picture_edits import Remove
from tests.conftest import TINY, final
from tests.unit.analyses.questions import last_fields, line, make_question


@pytest.fixture(scope="module")
def exact() -> tuple[Question, Tensor]:
    """A linear network's question, and the exact contribution of each token to removal."""
    model, weights = line()
    question = make_question(model, "occlusion", baseline="mean")
    return question, patch_sums(weights * question.pixels[0].double(), 2)


@pytest.mark.parametrize(("name", "step"), [("deletion", 5), ("insertion", 20)])
def test_a_point_of_a_curve_in_pixels(tiny: LoadedModel, name: str, step: int) -> None:
    question = make_question(tiny, "saliency")
    tokens = torch.randn(8, 8, generator=question.generator())
    probability = last_fields(getattr(removal, name), question, tokens)[name][0, 0, step]
    first = tokens.flatten().sort(descending=True).indices[: 2 * step]
    gone = torch.zeros(64, dtype=torch.bool).index_fill(0, first, True).view(8, 8)
    gone = gone if name == "deletion" else ~gone
    mask = gone.repeat_interleave(2, 0).repeat_interleave(2, 1)
    chance = tiny.module(question.pixels.masked_fill(mask, 0)).softmax(1)[0, 3]
    assert probability == pytest.approx(float(chance), abs=1e-5)


def test_the_right_order_beats_the_wrong_one(tiny: LoadedModel) -> None:
    question = make_question(tiny, "occlusion")
    good = torch.randn(8, 8, generator=question.generator())
    areas = [
        last_fields(removal.deletion, question, t)["deletion_area"][0, 0] for t in (good, -good)
    ]
    inserted = [
        last_fields(removal.insertion, question, t)["insertion_area"][0, 0] for t in (good, -good)
    ]
    assert areas[0] == pytest.approx(inserted[1], abs=1e-5)  # the same pictures, backwards
    assert areas[1] == pytest.approx(inserted[0], abs=1e-5)


def test_controls_are_random_and_centre_first(tiny: LoadedModel) -> None:
    question = make_question(tiny, "saliency")
    _, chance, centre = removal.ranks(question, torch.zeros(8, 8))
    assert sorted(chance.flatten().tolist()) == list(range(64))
    assert sorted(centre[3:5, 3:5].flatten().tolist()) == [0, 1, 2, 3]
    assert sorted(centre[::7, ::7].flatten().tolist()) == [60, 61, 62, 63]


def test_infidelity_of_the_exact_map_is_zero(exact: tuple[Question, Tensor]) -> None:
    question, shares = exact
    assert last_fields(removal.infidelity, question, shares)["infidelity"] < 1e-9
    assert (
        last_fields(removal.infidelity, question, -3 * shares)["infidelity"] < 1e-9
    )  # β takes the scale
    assert last_fields(removal.infidelity, question, torch.zeros(8, 8))["infidelity"] == 1
    noise = torch.randn(8, 8, generator=question.generator())
    assert 0.05 < last_fields(removal.infidelity, question, noise)["infidelity"] <= 1


def test_imputation_keeps_a_plane() -> None:
    rows, columns = np.mgrid[:12, :10].astype(float)
    plane = np.stack([rows, columns, 2 * rows - columns])
    removed = np.zeros((12, 10), bool)
    removed[3:9, 2:7] = True
    removed[5, 5] = False
    np.testing.assert_allclose(
        removal.impute(np.where(removed, 99, plane), removed), plane, atol=1e-9
    )


def test_imputation_solves_its_equations_at_the_border() -> None:
    rng = np.random.default_rng(0)
    picture, removed = rng.standard_normal((3, 6, 7)), rng.random((6, 7)) < 0.7
    imputed = removal.impute(picture, removed)
    np.testing.assert_array_equal(imputed[:, ~removed], picture[:, ~removed])
    for i, j in np.argwhere(removed):
        total, mean = 0.0, np.zeros(3)
        for di, dj in removal.NEIGHBOURS:
            share = 1 / 12 if di and dj else 1 / 6
            if 0 <= i + di < 6 and 0 <= j + dj < 7:
                total, mean = total + share, mean + share * imputed[:, i + di, j + dj]
        np.testing.assert_allclose(imputed[:, i, j], mean / total, atol=1e-9)


def test_road_is_half_the_mean_difference_of_its_curves(tiny: LoadedModel) -> None:
    question = make_question(tiny, "occlusion")
    tokens = torch.randn(8, 8, generator=question.generator())
    fields, mirrored = (last_fields(removal.road, question, t) for t in (tokens, -tokens))
    most, least = fields["road_curves"]
    assert fields["road"] == pytest.approx((least - most).mean() / 2, abs=1e-6)
    assert mirrored["road"] == pytest.approx(-fields["road"], abs=1e-6)


def test_the_smallest_sets_are_those_of_every_prefix(tiny: LoadedModel) -> None:
    """By brute force: edited pictures, one more token at a time."""
    coffee, measures = load("gallery:coffee"), ("smallest-set",)  # its answer ends, and is kept
    images = [prepare(coffee, TINY.transform)]
    result = final(
        faithfulness.compute(tiny, images, Options(method="hirescam", measures=measures))
    )
    assert result.fewest_removed is not None and result.fewest_kept is not None

    def first(tokens: list[int], fill: str) -> int:
        made = edited(coffee, [Remove(tokens=tuple(tokens), fill=fill)] if tokens else [])  # type: ignore[arg-type]
        return int(tiny.logits(tiny.tensor([prepare(made, TINY.transform, None, 2)])).argmax())

    answer, size = first([], "mean"), result.tokens.size
    assert result.answer == f"class {answer}"
    for number, fill in enumerate(result.baselines):
        gone = [np.flatnonzero(result.first(k)).tolist() for k in range(size + 1)]
        left = [np.flatnonzero(~result.first(k)).tolist() for k in range(size + 1)]
        change = [k for k in range(size + 1) if first(gone[k], fill) != answer]
        keep = [k for k in range(size + 1) if first(left[k], fill) == answer]
        assert result.fewest_removed[number, 0] == change[0] > 1
        assert result.fewest_kept[number, 0] == keep[0] > change[0]
    assert any("fewest kept, mean" in row for row in result.rows())


def test_an_answer_that_the_empty_picture_has_never_ends(tiny: LoadedModel) -> None:
    images = [prepare(load("gallery:cat"), TINY.transform)]
    options = Options(method="hirescam", measures=("smallest-set",))
    result = final(faithfulness.compute(tiny, images, options))
    assert result.fewest_removed is not None and (result.fewest_removed == NEVER).all()
    assert result.fewest_kept is not None and not result.fewest_kept.any()
