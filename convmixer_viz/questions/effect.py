"""Effect: what edits of a model or of pictures change over many pictures, with controls, and sweeps
of an edit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Shape
from convmixer_viz.questions.edits import Edit, Epoch, Random, Shuffle
from convmixer_viz.questions.picture_edits import PICTURE_EDITS, PictureEdit

Variant = tuple[tuple[Edit, ...], tuple[PictureEdit, ...]]  # of the model, of its pictures

CONTROLS = {  # each changes the same kernels as the edit; what it changes them into
    "random": "random kernels of the same mean and norm",
    "shuffle": "the same kernels dealt out anew in their block",
}
MOST_SEEDS = 100
MOST_AMOUNTS = max(len(kind.SWEPT[1]) for kind in PICTURE_EDITS.values())
P_SMALLEST = 1e-300
NUMBERS: dict[str, tuple[float, ...]] = {  # what a sweep over an edit's number tries
    "rank": tuple(range(1, 65)),
    "bits": tuple(range(2, 9)),
    "clusters": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    "scale": (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0),
    "sigma": (0.3, 0.5, 0.7, 1.0, 1.4, 2.0),
    "quarters": (1, 2, 3),
    "epoch": (),  # those of the history
}


@dataclass(frozen=True, slots=True)
class Options:
    sweep: Annotated[
        Literal["none", "block", "up", "down", "number", "amount"],
        "try the edits block by block, from the first block up, from the last down, or over the "
        "last edit's number, or over the amount of the last edit of the picture",
    ] = "none"
    seeds: Annotated[int, "draws of each control; 0 is without controls"] = 10

    def __post_init__(self) -> None:
        if not 0 <= self.seeds <= MOST_SEEDS:
            raise ChoiceError(f"{self.seeds} draws of a control: choose 0 to {MOST_SEEDS}.")

    def passes(self, shape: Shape, side: int) -> int:
        """Models that each picture goes through: cost is in proportion."""
        points = {"none": 1, "amount": MOST_AMOUNTS}.get(self.sweep, shape.depth)
        return 1 + points * (1 + len(CONTROLS) * self.seeds)


@dataclass(frozen=True, slots=True)
class Point:
    """One edited model, or its edited pictures, of a sweep."""

    label: str
    at: float  # where it stands on the sweep's axis
    edits: tuple[Edit, ...]
    picture_edits: tuple[PictureEdit, ...] = ()

    @property
    def variant(self) -> Variant:
        return self.edits, self.picture_edits

    def control(self, name: str, seed: int) -> Variant:
        """The edits' twins: the same blocks and kernels, drawn by a seed; on the same pictures."""
        kind = {"random": Random, "shuffle": Shuffle}[name]
        places = dict.fromkeys((edit.blocks, edit.kernels) for edit in self.edits)
        twins = tuple(kind(blocks=b, kernels=k, seed=seed) for b, k in places)
        return twins, self.picture_edits


def points(variant: Variant, sweep: str, shape: Shape, epochs: Sequence[int] = ()) -> list[Point]:
    """The edited models and pictures that a sweep tries, in the order of its axis; `epochs`: of the
    history. The edits of pictures hold at all points, unless their amount is swept."""
    edits, of_pictures = variant
    if sweep == "amount":
        return _over_amount(edits, of_pictures)
    if not edits or sweep == "none":
        return [Point("all edits" if edits or of_pictures else "no edit", 0.0, *variant)]
    if sweep == "number":
        return [replace(p, picture_edits=of_pictures) for p in _over_number(edits, shape, epochs)]
    numbers = range(1, shape.depth + 1)
    tried: list[tuple[str, int, tuple[int, ...]]]
    if sweep == "block":
        tried = [(f"block {b}", b, (b,)) for b in numbers]
    elif sweep == "up":
        tried = [(f"blocks 1 to {b}", b, tuple(numbers[:b])) for b in numbers]
    else:
        tried = [(f"blocks {b} to the last", b, tuple(numbers[b - 1 :])) for b in numbers[::-1]]
    return [
        Point(label, at, tuple(replace(edit, blocks=some) for edit in edits), of_pictures)
        for label, at, some in tried
    ]


def models(chosen: Sequence[Point], seeds: int) -> list[Variant]:
    """All that is run, each once: unedited, then every point and its controls."""
    variants: list[Variant] = [((), ())]
    for point in chosen:
        variants.append(point.variant)
        variants += [point.control(name, seed) for name in CONTROLS for seed in range(seeds)]
    return list(dict.fromkeys(variants))


def _over_amount(edits: tuple[Edit, ...], of_pictures: tuple[PictureEdit, ...]) -> list[Point]:
    places = [place for place, edit in enumerate(of_pictures) if edit.SWEPT[0]]
    if not places:
        raise ChoiceError(
            "There is no amount to sweep over: name an edit of the picture that has one, "
            "as --picture-edit blur."
        )
    last = places[-1]
    key, amounts = of_pictures[last].SWEPT
    return [
        Point(
            f"{key} {amount:g}",
            amount,
            edits,
            (*of_pictures[:last], of_pictures[last].with_amount(amount), *of_pictures[last + 1 :]),
        )
        for amount in amounts
    ]


def _over_number(edits: Sequence[Edit], shape: Shape, epochs: Sequence[int]) -> list[Point]:
    *others, last = edits
    key = next((key for key in NUMBERS if hasattr(last, key)), None)
    if key is None or getattr(last, "bank", "clusters") != "clusters":
        raise ChoiceError(f"{last} has no number to sweep over: choose another sweep.")
    values: Sequence[float] = epochs if isinstance(last, Epoch) else NUMBERS[key]
    most = {"rank": shape.kernel_size, "clusters": shape.depth * shape.dim}.get(key, math.inf)
    values = [value for value in values if value <= most]
    return [Point(f"{key} {value}", value, (*others, _with(last, key, value))) for value in values]


def _with(edit: Edit, key: str, value: float) -> Edit:
    return replace(edit, **{key: value})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Effect(Result):
    """Counts over n pictures: of the unedited model, of each edited one, and of its controls. The
    reference class of a picture is its label; without labels what the unedited model says."""

    sweep: str
    points: tuple[str, ...]  # (points,), what each tries
    edits: tuple[str, ...]  # (points,), as they are written
    at: NDArray[np.float64]  # (points,), where each stands on the sweep's axis
    pictures: int
    labelled: bool
    classes: tuple[str, ...]
    base_right: int  # pictures whose first class is their reference class
    right: NDArray[np.int64]  # (points,)
    lost: NDArray[np.int64]  # (points,), right before and not now
    won: NDArray[np.int64]  # (points,), right now and not before
    unchanged: NDArray[np.int64]  # (points,), with the same first class
    divergence: NDArray[np.float64]  # (points,), mean Jensen–Shannon divergence in bits
    logit_change: NDArray[np.float64]  # (points,), mean change of the reference class's logit
    logit_change_error: NDArray[np.float64]  # (points,), standard error of that mean
    class_pictures: NDArray[np.int64]  # (classes,), by reference class
    class_base_right: NDArray[np.int64]  # (classes,)
    class_right: NDArray[np.int64]  # (points, classes)
    class_logit_change: NDArray[np.float64]  # (points, classes), 0 where there is no picture
    control_names: tuple[str, ...]
    control_right: NDArray[np.int64]  # (controls, points, seeds)
    control_unchanged: NDArray[np.int64]  # (controls, points, seeds)
    control_divergence: NDArray[np.float64]  # (controls, points, seeds)
    control_logit_change: NDArray[np.float64]  # (controls, points, seeds)
    picture_edits: tuple[str, ...] = ()  # (points,), as they are written
    logit: NDArray[np.float64] | None = None  # (points,), mean of the reference class's logit
    logit_error: NDArray[np.float64] | None = None  # (points,), standard error of that mean
    probability: NDArray[np.float64] | None = None  # (points,), mean of its probability
    probability_error: NDArray[np.float64] | None = None  # (points,), likewise
    base_logit: float | None = None  # unedited
    base_probability: float | None = None  # unedited

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """(points,) The share of pictures that are right."""
        return self.right / self.pictures

    def written(self, point: int) -> str:
        """A point's edits of the model and of the picture; "no edit" where there is none."""
        both = (self.edits[point], *self.picture_edits[point : point + 1])
        return " ".join(filter(None, both)) or "no edit"

    def interval(self, point: int) -> tuple[float, float]:
        """Wilson's 95 % interval of a point's accuracy."""
        return agreement.wilson(int(self.right[point]), self.pictures)

    def p_value(self, point: int) -> float:
        """McNemar's exact test of a point against the unedited model."""
        return agreement.mcnemar(int(self.lost[point]), int(self.won[point]))

    def p_in_words(self, point: int) -> str:
        """= 2e-19, or < 1e-300 where the number is too small for a computer's."""
        p = self.p_value(point)
        return f"= {p:.2g}" if p > P_SMALLEST else f"< {P_SMALLEST:g}"

    def rows(self) -> list[dict[str, Any]]:
        """A row a point."""
        return [self._row(point) for point in range(len(self.points))]

    def _row(self, point: int) -> dict[str, Any]:
        low, high = self.interval(point)
        row: dict[str, Any] = {"point": self.points[point], "edits": self.written(point)}
        row |= {
            "pictures": self.pictures,
            "right": int(self.right[point]),
            "accuracy": float(self.accuracy[point]),
            "from": low,
            "to": high,
            "before": self.base_right / self.pictures,
            "p": self.p_value(point),
            "unchanged": float(self.unchanged[point] / self.pictures),
            "divergence": float(self.divergence[point]),
            "logit change": float(self.logit_change[point]),
        }
        if self.logit is not None and self.probability is not None:
            row |= {
                "logit": float(self.logit[point]),
                "probability": float(self.probability[point]),
            }
        for name, right in zip(self.control_names, self.control_right[:, point], strict=True):
            shares = right / self.pictures
            row |= {
                f"{name} mean": float(shares.mean()),
                f"{name} lowest": float(shares.min()),
                f"{name} highest": float(shares.max()),
            }
        return row
