"""Kernels whose class, sign and angle are known, and random ones, which have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.model.kernel_shapes.templates import fit
from convmixer_viz.questions.kernels import (
    CLASSES,
    DELTA,
    DOG,
    FIRST,
    GAUSSIAN,
    OTHER,
    SECOND,
)

Floats = NDArray[np.floating[Any]]
SIZES = (5, 7, 9)
RATIOS = (1.6, 2.2)  # σ₂/σ₁ of the reference's differences


def gaussian(x: Floats, y: Floats, sigma: float) -> Floats:
    return np.asarray(np.exp(-(x**2 + y**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2))


def shape(
    code: int,
    k: int,
    sigma: float,
    *,
    at: tuple[float, float] = (0.0, 0.0),
    angle: float = 0.0,
    ratio: float = 1.6,
) -> Floats:
    """One ideal kernel; `angle` in degrees, y down."""
    axis = np.arange(k) - (k - 1) / 2
    x, y = axis[None, :] - at[0], axis[:, None] - at[1]
    g, turn = gaussian(x, y, sigma), np.radians(angle)
    along = x * np.cos(turn) + y * np.sin(turn)
    if code == GAUSSIAN:
        return g
    if code == DOG:
        return np.asarray(g - gaussian(x, y, ratio * sigma))
    if code == FIRST:
        return np.asarray(-along * g / sigma**2)
    if code == SECOND:
        return np.asarray((along**2 - sigma**2) * g / sigma**4)
    return np.where((axis[None, :] == 0) & (axis[:, None] == 0), 1.0, 0.0)


def on_grid(code: int, k: int) -> tuple[Floats, Floats, Floats]:
    """The templates of the bank (of sizes above 5 each seventh, which meets every shift, angle and
    ratio), derivatives at twelve angles, 45° among them; their angles; their σ."""
    count = len(templates.bank(k)[GAUSSIAN].sigma) // 25
    angles = range(0, 180, 15) if code in (FIRST, SECOND) else (0,)
    ratios = RATIOS if code == DOG else (1.6,)
    chosen = [
        (sigma, (dx, dy), angle, ratio)
        for sigma in 0.5 * 1.12 ** np.arange(count)
        for dx in templates.SHIFTS
        for dy in templates.SHIFTS
        for angle in angles
        for ratio in ratios
    ][:: 1 if k == 5 else 7]
    kernels = np.array(
        [shape(code, k, s, at=at, angle=angle, ratio=ratio) for s, at, angle, ratio in chosen]
    )
    angle = np.array([float(angle) for *_, angle, _ in chosen])
    return kernels, angle, np.array([sigma for sigma, *_ in chosen])


def off_grid(code: int, k: int, count: int = 400) -> tuple[Floats, Floats]:
    """Random shapes of a class, and their angles."""
    draw = np.random.default_rng(code)
    sigma = np.exp(draw.uniform(np.log(0.6), np.log(k / 3), count))
    at, angle = draw.uniform(-0.5, 0.5, (count, 2)), draw.uniform(0, 180, count)
    ratio = draw.choice(RATIOS, count)
    kernels = [
        shape(code, k, sigma[i], at=(at[i, 0], at[i, 1]), angle=angle[i], ratio=ratio[i])
        for i in range(count)
    ]
    return np.array(kernels), angle


def turned(angle: Floats, by: Floats) -> Floats:
    """Distance of angles modulo 180°."""
    gap = np.mod(angle - by, 180)
    return np.asarray(np.minimum(gap, 180 - gap))


@pytest.mark.parametrize("k", SIZES)
@pytest.mark.parametrize("code", [GAUSSIAN, DOG, FIRST, SECOND, DELTA])
def test_templates_of_the_bank_get_their_class_sign_angle_and_sigma(code: int, k: int) -> None:
    kernels, angle, sigma = on_grid(code, k)
    fitted = fit(kernels)
    assert (fitted.code == code).all()
    assert np.allclose(fitted.r2, 1, atol=1e-5)
    assert (fitted.sign == 1).all()
    assert code == DELTA or np.allclose(fitted.sigma, sigma, rtol=1e-9)
    if code in (FIRST, SECOND):
        assert turned(fitted.angle, angle).max() < 0.01
    else:
        assert (fitted.angle == -1).all()


@pytest.mark.parametrize("k", SIZES)
@pytest.mark.parametrize("code", [GAUSSIAN, DOG, FIRST, SECOND])
def test_shapes_off_the_grid_get_their_class(code: int, k: int) -> None:
    kernels, angle = off_grid(code, k)
    fitted = fit(kernels)
    right = fitted.code <= DOG if code in (GAUSSIAN, DOG) else fitted.code == code
    assert right.mean() >= 0.99
    if code in (FIRST, SECOND):
        assert np.median(turned(fitted.angle, angle)[right]) < 0.5
        assert np.quantile(turned(fitted.angle, angle)[right], 0.99) < 5


@pytest.mark.parametrize("k", SIZES)
def test_fresh_random_kernels_are_other(k: int) -> None:
    kernels = np.random.default_rng(123).standard_normal((4_000, k, k))
    share = (fit(kernels).code == OTHER).mean()
    assert 0.985 <= share <= 0.995


@pytest.mark.parametrize(("k", "expected"), [(3, 0.98), (5, 0.61), (7, 0.34), (9, 0.22)])
def test_the_threshold_is_what_the_reference_found(k: int, expected: float) -> None:
    assert templates.threshold(k) == pytest.approx(expected, abs=0.01)


def test_three_by_three_is_undecidable() -> None:
    assert not templates.decidable(3)
    fitted = fit(shape(GAUSSIAN, 3, 0.5 * 1.12**4)[None])
    assert CLASSES[fitted.code[0]] == "undecidable"
    assert fitted.r2[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("k", SIZES)
def test_minus_three_times_plus_a_constant_turns_the_sign_only(k: int) -> None:
    kernels = np.concatenate([off_grid(code, k, 40)[0] for code in range(DELTA + 1)])
    saddle = np.stack([on_axis(k, xx=1, yy=-1), on_axis(k, xy=1)])
    kernels = np.concatenate([kernels, saddle, np.random.default_rng(1).normal(size=(40, k, k))])
    before, after = fit(kernels), fit(-3 * kernels + 0.7)
    assert (before.code == after.code).all()
    assert (before.sign == -after.sign).all()
    assert np.abs(before.angle - after.angle).max() < 0.05


def on_axis(k: int, xx: float = 0, xy: float = 0, yy: float = 0) -> Floats:
    """A second derivative from its Hessian's coefficients, σ 1."""
    axis = np.arange(k) - (k - 1) / 2
    x, y = axis[None, :], axis[:, None]
    curved = xx * (x**2 - 1) + xy * x * y + yy * (y**2 - 1)
    return np.asarray(curved * gaussian(x, y, 1.0))


def test_a_saddle_and_a_ridge_have_the_hessians_angle_and_sign() -> None:
    fitted = fit(np.stack([on_axis(7, xy=1), on_axis(7, xx=1, yy=-0.5), on_axis(7, xx=0.5, yy=-1)]))
    assert (fitted.code == SECOND).all()
    assert fitted.angle == pytest.approx([45, 0, 90], abs=1e-3)
    assert fitted.sign.tolist() == [1, 1, -1]


def test_turning_a_kernel_turns_its_angle() -> None:
    kernels = np.concatenate([off_grid(FIRST, 7, 60)[0], off_grid(SECOND, 7, 60)[0]])
    before, after = fit(kernels), fit(np.rot90(kernels, axes=(2, 1)))  # clockwise: +90°, y down
    assert (before.code == after.code).all()
    assert turned(after.angle, before.angle + 90).max() < 0.1


def test_constant_and_empty_kernels_are_other() -> None:
    fitted = fit(np.stack([np.full((5, 5), 0.1), np.zeros((5, 5))]))
    assert (fitted.code == OTHER).all()
    assert (fitted.r2 == 0).all()
    assert np.isfinite(fitted.angle).all()


def test_the_fitted_template_leaves_the_rest_that_r2_says() -> None:
    kernels = off_grid(SECOND, 9, 20)[0] + 0.02 * np.random.default_rng(0).normal(size=(20, 9, 9))
    fitted = fit(kernels)
    rest = ((kernels - fitted.template) ** 2).sum((1, 2))
    centred = ((kernels - kernels.mean((1, 2), keepdims=True)) ** 2).sum((1, 2))
    assert np.allclose(1 - rest / centred, fitted.r2, atol=1e-5)
