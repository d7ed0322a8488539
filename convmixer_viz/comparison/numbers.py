"""Each row's table: what every preset measures, and how far it agrees with the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.figures.style import preset_name
from convmixer_viz.questions.attribution import AttributionMap
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.questions.representation import Representation
from convmixer_viz.questions.structure import Structure

Table = list[dict[str, Any]]  # a line a preset
Explained = Evidence | AttributionMap
Floats = NDArray[np.floating[Any]]


def answers(results: Sequence[Prediction]) -> Table:
    """The first picture's answer; agreement over all pictures where the classes are the same."""
    first, *others = results
    return [_answer(first), *(_answer(other) | _agreement(first, other) for other in others)]


def _answer(result: Prediction) -> dict[str, Any]:
    best = result.top[0][0]
    return {
        "preset": preset_name(result),
        "says": result.classes[best],
        "probability": float(result.probabilities[0, best]),
    }


def _agreement(first: Prediction, other: Prediction) -> dict[str, Any]:
    if other.classes != first.classes:
        return {}
    alike = agreement.predictions((first.logits, first.classes), (other.logits, other.classes))
    count = len(first.logits)
    return {
        "same first class": f"{round(alike.top1 * count)} of {count}",
        "logits alike": alike.logits,
        "divergence (bit)": alike.divergence,
    }


def token_map(result: Explained) -> NDArray[np.float32]:
    """What is compared of a map, (H, W)."""
    return result.tokens if isinstance(result, AttributionMap) else result.maps[-1]


def on_common_grid(results: Sequence[Explained]) -> list[Floats]:
    """Each map as 16×16 sums over the part of the picture that all of them see."""
    shared = agreement.shared_box([result.box for result in results])
    return [agreement.common_grid(token_map(result), result.box, shared) for result in results]


def agree_with_first(results: Sequence[Explained]) -> list[agreement.MapAgreement]:
    """How far each map, the first included, agrees with the first."""
    first, *_ = grids = on_common_grid(results)
    return [agreement.maps(first, grid) for grid in grids]


def same_class(results: Sequence[Explained]) -> list[bool]:
    """Whether each map is about what the first is about: others can't be held against it."""
    return [result.target_name == results[0].target_name for result in results]


def maps(results: Sequence[Explained]) -> Table:
    """Agreement of each map with the first, where they explain the same class."""
    lines = zip(results, agree_with_first(results), same_class(results), strict=True)
    return [
        {"preset": preset_name(result), "explains": result.target_name}
        | ({"rank": a.spearman, "structure": a.ssim, "overlap": a.overlap} if same else {})
        for result, a, same in lines
    ]


def field_sizes(results: Sequence[ReceptiveField]) -> Table:
    """How far the first and the last block see."""
    return [
        {
            "preset": preset_name(result),
            "σ of block 1 (px)": float(result.sigma_square[1]),
            "σ of the last block (px)": float(result.sigma_square[-1]),
            "theoretical (px)": int(result.theoretical[-1]),
        }
        for result in results
    ]


def last_blocks(results: Sequence[Structure]) -> Table:
    """All numbers of the last block's kernels."""
    return [
        {"preset": preset_name(result)}
        | {f"last block: {name}": value for name, value in result.rows()[-1].items()}
        for result in results
    ]


def likenesses(results: Sequence[Representation]) -> Table:
    """CKA of each last block with the first preset's."""
    return [_likeness(results[0], result) for result in results]


def _likeness(first: Representation, result: Representation) -> dict[str, Any]:
    cka = agreement.cka(first.gram, result.gram)
    return {
        "preset": preset_name(result),
        "CKA of last blocks": cka.last,
        "standard deviation of unrelated ones": cka.spread,
    }
