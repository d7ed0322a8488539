"""Which blocks lie outside the random band, on a structure whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmixer_viz import Structure
from convmixer_viz.questions.structure import CURVES
from tests.findings import kernels

CLASSES = ("Gaussian", "delta", "other")


def structure(**values: Any) -> Structure:
    """Three blocks, each number inside its band of 1 to 2, and no kernel with a class."""
    fields: dict[str, Any] = {"class_shares": np.tile([0.0, 0, 1], (3, 1))}
    fields["class_shares_band"] = np.tile([[0.0, 0.1], [0, 0.2], [0.7, 1]], (3, 1, 1))
    for name in CURVES:
        fields[name] = np.full(3, 1.5)
        fields[f"{name}_band"] = np.tile([1.0, 2.0], (3, 1))
    others = ("covariance", "eigenvalues", "eigenkernels", "ring_profile", "ring_profile_band")
    for name in (*others, "pointwise_singular_values", "pointwise_rank"):
        fields[name] = np.zeros((3, 1))
    plain: dict[str, Any] = {"depth": 3, "kernel_size": 5, "decidable": True}
    plain |= {"blocks": np.array([1, 2, 3]), "class_names": CLASSES}
    return Structure(**(plain | fields | values))


def cells(table: str, name: str) -> list[str]:
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_blocks_above_and_below_the_band_are_counted() -> None:
    table = kernels.table(structure(mean_parity=np.array([0.5, 2.5, 3.0])))
    *values, span, above, below, trend = cells(table, "180° parity")
    assert values == ["0.500", "2.500", "3.000"] and span == "1.000 to 2.000"
    assert (above, below, trend) == ("2", "1", "ρ +1.00")
    assert cells(table, "border share")[-3:] == ["0", "0", "none"]


def test_each_block_has_a_band_of_its_own() -> None:
    bands = np.array([[0.0, 1], [2, 3], [4, 5]])
    table = kernels.table(structure(entropy=np.array([0.5, 0.5, 9]), entropy_band=bands))
    assert cells(table, "entropy")[-4:-1] == ["0.000 to 5.000", "1", "1"]


def test_a_share_with_a_class_is_what_the_others_leave() -> None:
    shares = np.array([[0.2, 0.0, 0.8], [0, 0.31, 0.69], [0.05, 0.05, 0.9]])
    result = structure(class_shares=shares)
    *_, span, above, below, _ = cells(kernels.table(result), "share with a class")
    assert (span, above, below) == ("0.000 to 0.300", "1", "0")
    assert cells(kernels.table(result), "share of Gaussian")[-3:-1] == ["1", "0"]


def test_shares_are_rounded_once() -> None:
    with_a_class = np.array([0.9453125, 0.8046875, 1.0])
    shares = np.stack([with_a_class, np.zeros(3), 1 - with_a_class], axis=1)
    assert kernels.with_a_class(structure(class_shares=shares)) == "80 to 100 %"
    assert kernels.with_a_class(structure(class_shares=shares[::2])) == "95 to 100 %"
