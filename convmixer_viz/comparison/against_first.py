"""Every preset held against the first: differences, CKA, fields, the pictures they disagree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from convmixer_viz.comparison.numbers import Explained, on_common_grid, same_class
from convmixer_viz.figures import comparison, representation
from convmixer_viz.figures.receptive_field import fields
from convmixer_viz.figures.style import preset_name
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.questions.representation import Representation

Pair = tuple[str, go.Figure | None]  # a heading and its figure; none leaves the column empty


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures that belong to a row, for one preset besides the first."""

    preset: str
    title: str
    label: str  # the same in two words
    pictures: list[tuple[bytes, str]]  # PNG and caption
    missing: str  # what to say where there are none


def differences(results: Sequence[Explained]) -> list[Pair]:
    """Every map minus the first on the common grid, on one scale; the first has none, nor has one
    that explains another class."""
    first, same = preset_name(results[0]), same_class(results)
    alike = [result for result, one in zip(results, same, strict=True) if one]
    figures = iter(comparison.draw_differences(on_common_grid(alike)) if len(alike) > 1 else [])
    return [
        (f"{preset_name(result)} minus {first}", next(figures)) if one and place else ("", None)
        for place, (result, one) in enumerate(zip(results, same, strict=True))
    ]


def cka(results: Sequence[Representation]) -> list[Pair]:
    """Every block of each preset, the first included, against every block of the first."""
    first = results[0]
    return [
        (
            f"CKA of {preset_name(first)} with {preset_name(other)}",
            representation.draw(first, other=other),
        )
        for other in results
    ]


def last_fields(results: Sequence[ReceptiveField]) -> list[Pair]:
    """All fields of the last blocks in one figure."""
    blocks = [result.blocks[-1] for result in results]
    return [("The last blocks' fields on one scale", fields.compare_fields(results, blocks))]


def disagreements(results: Sequence[Prediction]) -> list[Gallery]:
    """Of several pictures, those on which each preset differs most from the first."""
    first, *others = results
    return [_disagreements(first, other) for other in others if len(other.names) > 1]


def _disagreements(first: Prediction, other: Prediction) -> Gallery:
    return Gallery(
        preset_name(other),
        f"{preset_name(first)} and {preset_name(other)} differ most on",
        "Differ most",
        comparison.disagreements(first, other),
        "They know different classes, so their answers can't be compared.",
    )
