"""Survey: one pass over many pictures, what a model says of each and which of them move what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError

STRONGEST = 9  # windows kept of each kernel and each channel
SIDES = ("kernel", "channel")  # the depthwise step's answers, and the pointwise step's
BINS = 15  # of equal width over the confidence, as `evaluate` has them
MOST_FEATURES = 50_000


@dataclass(frozen=True, slots=True)
class Options:
    features: Annotated[
        int, "pictures, drawn by the seed, whose pooled features are kept; 0 keeps none"
    ] = MOST_FEATURES
    seed: Annotated[int, "seed of that draw"] = 0

    def __post_init__(self) -> None:
        if not 0 <= self.features <= MOST_FEATURES:
            raise ChoiceError(
                f"Features of {self.features} pictures: choose 0 to {MOST_FEATURES:,}."
            )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Pictures by the probability of their first class, in bins of equal width."""

    pictures: NDArray[np.int64]  # (BINS,)
    right: NDArray[np.int64]  # (BINS,)
    confidence: NDArray[np.float64]  # (BINS,), mean probability, 0 where a bin is empty

    @property
    def error(self) -> float:
        """Expected calibration error: |accuracy − confidence|, weighted by the pictures."""
        gaps = np.abs(self.right - self.confidence * self.pictures)
        return float(gaps.sum() / self.pictures.sum())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Survey(Result):
    """What a model says of n pictures, and what moves its kernels and channels. An answer is the
    convolution with its bias, before the activation: the depthwise one of a kernel, the pointwise
    one of a channel. The reference class of a picture is its label, else the predicted class."""

    classes: tuple[str, ...]
    labelled: bool
    blocks: NDArray[np.int64]  # (depth,), from 1
    reference: NDArray[np.int64]  # (n,)
    logits: NDArray[np.float32]  # (n, classes)
    votes: NDArray[np.int32]  # (n, classes), tokens whose evidence is largest for the class
    centre: NDArray[np.float32]  # (n, 2), of the predicted class's |evidence|: 0 top, left … 1
    feature_pictures: NDArray[np.int64]  # (m,), whose features are kept, in order
    features: NDArray[np.float16]  # (m, depth + 1, dim), pooled outputs of the stem and the blocks
    answers: NDArray[np.float32]  # (2, depth, dim, STRONGEST), SIDES first; nan: no such picture
    pictures: NDArray[np.int64]  # (2, depth, dim, STRONGEST), each picture once; −1 as nan above
    tokens: NDArray[np.int64]  # (2, depth, dim, STRONGEST, 2), row and column
    class_pictures: NDArray[np.int64]  # (classes,), by reference class
    class_answers: NDArray[np.float64]  # (2, depth, dim, classes), mean positive part of answers
    silent: NDArray[np.int64]  # (2, depth, dim), pictures on which no token's answer is positive
    class_evidence: NDArray[np.float32]  # (classes, H, W), mean map of the reference class
    token_votes: NDArray[np.int64]  # (classes, H, W), pictures whose token speaks for the class

    def __len__(self) -> int:
        return len(self.logits)

    def rows(self) -> list[dict[str, Any]]:
        row: dict[str, Any] = {
            "preset": self.provenance and self.provenance.preset,
            "pictures": len(self),
        }
        if self.labelled:
            row |= {
                "right": int(self.right.sum()),
                "top-1 %": 100 * float(self.right.mean()),
                "top-5 %": 100 * float(self.right_5.mean()),
                "calibration error %": 100 * self.calibration.error,
            }
        return [
            row
            | {
                f"silent {side}s": int((self.silent[i] == len(self)).sum())
                for i, side in enumerate(SIDES)
            }
        ]

    def objects(self) -> list[dict[str, Any]]:
        counts = {"classes": self.classes, "confusion": self.confusion.tolist()}
        return [self.rows()[0] | (counts if self.labelled else {})]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) The class of the highest logit."""
        return np.asarray(self.logits.argmax(1))

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) Whether that is the reference class."""
        return np.asarray(self.predicted == self.reference)

    @property
    def right_5(self) -> NDArray[np.bool_]:
        """(n,) Whether the reference class is among the five highest."""
        own = np.take_along_axis(self.logits, self.reference[:, None], 1)
        return np.asarray((self.logits > own).sum(1) < 5)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """(n,) Softmax probability of the first class."""
        shifted = self.logits.astype(np.float64)
        shifted -= shifted.max(1, keepdims=True)
        return np.asarray(1 / np.exp(shifted).sum(1))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(classes, classes): reference class, predicted class."""
        return confusion_of(self.reference, self.predicted, len(self.classes))

    @property
    def calibration(self) -> Calibration:
        """Pictures, those that are right and their mean confidence, by confidence."""
        confidence = self.confidence
        place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        pictures, right = (
            np.bincount(place, weights, BINS).astype(np.int64) for weights in (None, self.right)
        )
        sums = np.bincount(place, confidence, BINS)
        return Calibration(pictures, right, sums / np.maximum(pictures, 1))

    @property
    def selectivity(self) -> NDArray[np.float64]:
        """(2, depth, dim) Of the class that moves it most, against the mean of the others: 0 where
        all classes move it alike, 1 where one alone does; (a − b) / (a + b)."""
        return _selectivity(self.class_answers, self.class_pictures)

    def pictures_of(self, reference: int | None, predicted: int | None) -> NDArray[np.int64]:
        """Pictures of a reference class that are said to be a class, the surest first; none is
        any."""
        chosen = np.ones(len(self), np.bool_)
        if reference is not None:
            chosen &= self.reference == reference
        if predicted is not None:
            chosen &= self.predicted == predicted
        return self._by_confidence(chosen)

    @property
    def surest_mistakes(self) -> NDArray[np.int64]:
        """Pictures whose reference class is another, the surest first."""
        return self._by_confidence(~self.right)

    @property
    def least_sure(self) -> NDArray[np.int64]:
        """All pictures, the least sure first."""
        return np.asarray(np.argsort(self.confidence, kind="stable"))

    def _by_confidence(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        numbers = np.flatnonzero(chosen)
        return np.asarray(numbers[np.argsort(-self.confidence[numbers], kind="stable")])

    def against(self, first: Survey) -> Rivalry:
        """This model's answers against another's on the same pictures."""
        if not (self.provenance and first.provenance) or (
            self.provenance.images != first.provenance.images or self.classes != first.classes
        ):
            raise ChoiceError("Two surveys are compared on the same pictures and classes only.")
        lost, won = first.right & ~self.right, self.right & ~first.right
        differ = np.flatnonzero(self.predicted != first.predicted)
        together = np.minimum(self.confidence, first.confidence)[differ]
        return Rivalry(
            lost=int(lost.sum()),
            won=int(won.sum()),
            both_wrong=int((~self.right & ~first.right).sum()),
            differ=differ[np.argsort(-together, kind="stable")],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Rivalry:
    """Counts of pictures: a model against a first one."""

    lost: int  # right by the first and wrong by this one
    won: int  # wrong by the first and right by this one
    both_wrong: int
    differ: NDArray[np.int64]  # pictures with different answers, where both are surest first

    @property
    def on_the_firsts_mistakes(self) -> float | None:
        """The share of the first one's mistakes that this one has right; none without any."""
        count = self.won + self.both_wrong
        return self.won / count if count else None

    @property
    def p_value(self) -> float:
        """McNemar's exact test that pictures are as likely to be lost as won."""
        return agreement.mcnemar(self.lost, self.won)


@dataclass(frozen=True, slots=True, eq=False)
class SurveyNumbers:
    """What ships of a survey with a preset's weights: its counts, without pictures or features."""

    data: str  # which pictures: the data set's name, their number, its sha256
    classes: tuple[str, ...]
    reference: NDArray[np.int16]  # (n,)
    predicted: NDArray[np.int16]  # (n,)
    calibration: Calibration
    class_answers: NDArray[np.float16]  # (2, depth, dim, classes), as a survey's
    silent: NDArray[np.int32]  # (2, depth, dim)
    probe: NDArray[np.float64]  # (depth + 1,), accuracy of a linear probe by block
    labelled = True

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(classes, classes): reference class, predicted class."""
        return confusion_of(self.reference, self.predicted, len(self.classes))

    @property
    def class_pictures(self) -> NDArray[np.int64]:
        """(classes,)"""
        return np.asarray(np.bincount(self.reference, minlength=len(self.classes)))

    @property
    def selectivity(self) -> NDArray[np.float64]:
        """(2, depth, dim), as a survey's."""
        return _selectivity(self.class_answers.astype(np.float64), self.class_pictures)


def confusion_of(
    reference: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], classes: int
) -> NDArray[np.int64]:
    """(classes, classes): reference class, predicted class."""
    pairs = reference.astype(np.int64) * classes + predicted
    return np.asarray(np.bincount(pairs, minlength=classes**2).reshape(classes, classes))


def _selectivity(
    answers: NDArray[np.float64], class_pictures: NDArray[np.int64]
) -> NDArray[np.float64]:
    seen = answers[..., class_pictures > 0]
    most, others = seen.max(-1), max(1, seen.shape[-1] - 1)
    rest = (seen.sum(-1) - most) / others
    shares, total = np.zeros_like(most), most + rest
    return np.asarray(np.divide(most - rest, total, out=shares, where=total > 0))
