"""Agreement of maps, predictions and blocks: known answers, and a naive way to the same number."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from convmixer_viz import agreement
from convmixer_viz.errors import ChoiceError

Doubles = NDArray[np.float64]
RANDOM = np.random.default_rng(5)


def test_the_common_grid_keeps_mass_and_place() -> None:
    whole = (0.0, 0.0, 300.0, 200.0)
    values = RANDOM.normal(size=(7, 9))
    cells = agreement.common_grid(values, whole, whole)
    assert cells.shape == (16, 16) and cells.sum() == pytest.approx(values.sum())
    fine = values.repeat(16, 0).repeat(16, 1)  # 112 × 144 pixels: whole cells of the grid
    assert cells == pytest.approx(fine.reshape(16, 7, 16, 9).sum((1, 3)) / 256)
    same = agreement.common_grid(RANDOM.normal(size=(16, 16)), whole, whole)
    assert same.shape == (16, 16)


def test_maps_of_different_crops_meet_in_the_part_that_both_saw() -> None:
    axis = (np.arange(64) + 0.5) / 64
    picture = np.exp(-((axis[:, None] - 0.4) ** 2 + (axis - 0.6) ** 2) / 0.02)  # on 64 × 64 px
    wide, narrow = (0.0, 0.0, 64.0, 64.0), (16.0, 8.0, 48.0, 40.0)
    shared = agreement.shared_box([wide, narrow])
    assert shared == narrow
    one = agreement.common_grid(picture, wide, shared)
    other = agreement.common_grid(picture[8:40, 16:48], narrow, shared)
    assert one == pytest.approx(other)
    with pytest.raises(ChoiceError, match="no common part"):
        agreement.shared_box([(0, 0, 10, 10), (20, 0, 30, 10)])


def test_agreement_of_maps_has_known_answers() -> None:
    values = RANDOM.normal(size=(16, 16))
    same = agreement.maps(values, 3 * values)
    assert same.spearman == pytest.approx(1) and same.overlap == 1
    assert same.ssim == pytest.approx(1)
    opposite = agreement.maps(values, -values)
    assert opposite.spearman == pytest.approx(-1) and opposite.overlap == 0
    monotone = agreement.spearman(values, np.exp(values))
    assert monotone == pytest.approx(1)
    flat = agreement.maps(values, np.zeros((16, 16)))
    assert flat.spearman is None and flat.ssim is None
    half = np.zeros(100)
    half[:26] = 1
    shifted = np.roll(half, 13)
    assert agreement.overlap(half, shifted) == pytest.approx(13 / 39)


def test_ties_for_the_last_places_count_by_their_chance() -> None:
    one, other = np.zeros((16, 16)), np.zeros((16, 16))
    one[3, 4] = other[12, 1] = 1
    tied = 25 / 255
    shared = 2 * tied + 254 * tied**2
    assert agreement.overlap(one, other) == pytest.approx(shared / (52 - shared))
    assert agreement.overlap(-one, -other) == pytest.approx(254 * (26 / 255) ** 2 / 52, rel=0.06)
    draws = [np.where(m == 0, 1e-3 * RANDOM.random((500, 16, 16)), m) for m in (one, other)]
    drawn = [agreement.overlap(a, b) for a, b in zip(*draws, strict=True)]
    assert agreement.overlap(one, other) == pytest.approx(np.mean(np.array(drawn, float)), abs=0.01)


def test_what_only_rounding_varies_is_constant() -> None:
    flat = np.full((16, 16), 0.3) * (1 + 1e-7 * RANDOM.normal(size=(16, 16)))
    values = RANDOM.normal(size=(16, 16))
    nothing = agreement.MapAgreement(None, None, None)
    for constant in (flat, flat.astype(np.float32), np.full((16, 16), -2.0), np.zeros((16, 16))):
        assert agreement.is_constant(constant)
        assert agreement.maps(constant, values) == agreement.maps(values, constant) == nothing
        assert agreement.maps(constant, constant) == nothing
    assert not agreement.is_constant(1 + 1e-4 * values)
    assert agreement.spearman(1 + 1e-4 * values, values) == pytest.approx(1)


def test_divergence_between_certain_answers_is_one_bit() -> None:
    p = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])
    q = np.array([[0.0, 1.0], [0.5, 0.5], [0.8, 0.2]])
    middle = 1 - (-0.2 * np.log2(0.2) - 0.8 * np.log2(0.8))
    assert agreement.divergence(p, q) == pytest.approx([1, 0, middle])


def test_predictions_agree_in_label_logit_and_order() -> None:
    a = np.array([[5.0, 0, 0], [0, 5, 0], [0, 0, 5], [1, 2, 3]])
    b = np.array([[5.0, 0, 0], [0, 0, 5], [0, 1, 4], [3, 4, 5]])
    names = ("cat", "dog", "owl")
    result = agreement.predictions((a, names), (b, names))
    assert result.top1 == 0.75 and result.order[0] == 1 and result.each[3] == pytest.approx(0)
    assert result.divergence == pytest.approx(result.each.mean())
    correlations = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]
    assert result.logits == pytest.approx(np.mean(correlations))
    with pytest.raises(ChoiceError, match="different classes"):
        agreement.predictions((a, names), (b, ("cat", "dog", "saw")))
    assert agreement.predictions((np.ones((2, 3)), names), (b[:2], names)).logits is None


def naive_hsic(k: Doubles, m: Doubles) -> float:
    """Song et al. 2012, equation 5."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    first, second = np.trace(k @ m), one @ k @ one * (one @ m @ one) / ((n - 1) * (n - 2))
    return float((first + second - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3)))


def grams(*features: Doubles) -> Doubles:
    return np.stack([x @ x.T for x in features])


def test_cka_is_the_unbiased_hsic_and_sees_through_turning_scale_and_shift() -> None:
    x, y = RANDOM.normal(size=(9, 30)), RANDOM.normal(size=(9, 20))
    turn = np.linalg.qr(RANDOM.normal(size=(30, 30)))[0]
    result = agreement.cka(grams(x, y), grams(7 * x @ turn + 3, y))
    k, m = x @ x.T, y @ y.T
    expected = naive_hsic(k, m) / np.sqrt(naive_hsic(k, k) * naive_hsic(m, m))
    assert result.values[0] == pytest.approx([1, expected])
    assert result.spread == pytest.approx(np.sqrt(2 / (9 * 6))) and result.constant == ((), ())


def test_cka_of_independent_features_is_zero_within_its_spread() -> None:
    values = [
        agreement.cka(grams(RANDOM.normal(size=(16, 400))), grams(RANDOM.normal(size=(16, 400))))
        for _ in range(300)
    ]
    each = np.array([v.values[0, 0] for v in values])
    assert abs(each.mean()) < 4 * values[0].spread / np.sqrt(300)
    assert each.std() == pytest.approx(values[0].spread, rel=0.15)


def test_cka_names_constant_blocks_and_too_few_pictures() -> None:
    x = RANDOM.normal(size=(6, 12))
    result = agreement.cka(grams(x, np.ones((6, 12)), np.zeros((6, 12))), grams(x))
    assert result.constant == ((1, 2), ()) and result.values[1:].tolist() == [[0], [0]]
    assert result.undefined == ((), ()) and result.missing == ([1, 2], [])
    assert np.isfinite(result.values).all() and result.last is None
    with pytest.raises(ChoiceError, match="4 pictures or more, not 3"):
        agreement.cka(grams(x[:3]), grams(x[:3]))
    with pytest.raises(ChoiceError, match="same pictures"):
        agreement.cka(grams(x), grams(x[:5]))


def test_pictures_alike_but_one_are_not_called_constant() -> None:
    x = RANDOM.normal(size=(6, 12))
    odd = np.ones((6, 12))
    odd[4] = RANDOM.normal(size=12)
    result = agreement.cka(grams(x, odd, np.eye(6, 12)), grams(x))
    assert result.constant == ((), ()) and result.undefined == ((1, 2), ())
    assert result.missing == ([1, 2], []) and result.last is None
    assert agreement.cka(grams(odd, x), grams(odd, x)).last == pytest.approx(1)


@pytest.mark.parametrize(("count", "of"), [(0, 10), (7, 10), (10, 10), (868, 1000)])
def test_wilson_is_scipys(count: int, of: int) -> None:
    theirs = stats.binomtest(count, of).proportion_ci(0.95, "wilson")
    assert agreement.wilson(count, of) == pytest.approx((theirs.low, theirs.high), abs=1e-7)


def test_mcnemar_is_a_sign_test() -> None:
    assert agreement.mcnemar(0, 0) == agreement.mcnemar(3, 3) == 1
    assert agreement.mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert agreement.mcnemar(9, 1) == agreement.mcnemar(1, 9)
