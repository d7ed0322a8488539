"""The table of rows: a row a question, a column a preset. Add one by adding an entry to ROWS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

import plotly.graph_objects as go

from convmixer_viz import agreement
from convmixer_viz.catalog import (
    ATTRIBUTION,
    COST,
    EVIDENCE,
    PREDICTION,
    RECEPTIVE_FIELD,
    REPRESENTATION,
    STRUCTURE,
)
from convmixer_viz.comparison import against_first, numbers
from convmixer_viz.comparison.against_first import Gallery, Pair
from convmixer_viz.comparison.numbers import Table
from convmixer_viz.contract import Analysis, Result, as_text
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import cost, evidence, overlays, prediction, representation
from convmixer_viz.figures.attribution import maps as attribution_maps
from convmixer_viz.figures.kernels import structure
from convmixer_viz.figures.receptive_field import fields as field_figures
from convmixer_viz.figures.style import preset_name
from convmixer_viz.questions.attribution import AttributionMap
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.questions.representation import Representation

R = TypeVar("R", bound=Result)
SIGNED = "Red speaks for the class that the table names, blue against; one scale a row."

COLUMN_NAMES = {  # of the tables' columns, for people
    "rank": "rank correlation with the first",
    "structure": "structural similarity",
    "overlap": "share of the strongest cells in common",
}


def _nothing(results: Sequence[Any]) -> list[Any]:
    return []


def _no_sentence(results: Sequence[Any]) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Row(Generic[R]):
    """One question put to every preset: what page, report and command line ask for and show."""

    name: str  # as a link and --rows say it
    title: str
    analysis: Analysis[R]
    numbers: Callable[[Sequence[R]], Table]  # a line a preset, with its agreement with the first
    figures: Callable[[Sequence[R]], list[go.Figure]] = _nothing  # one a column, or one for all
    against_first: Callable[[Sequence[R]], list[Pair]] = _nothing  # every preset held against it
    galleries: Callable[[Sequence[R]], list[Gallery]] = _nothing  # pictures that belong to the row
    sentence: Callable[[Sequence[R]], str] = _no_sentence  # the numbers in words
    reading: str = ""  # what the colours of the figures say
    options: dict[str, Any] = field(default_factory=dict)  # of the analysis
    fewest: int = 1  # pictures that it needs
    headline: tuple[str, ...] = ()  # of the numbers, those that stand for the row
    slow: bool = False  # whether it waits on a page until somebody asks for it

    @property
    def explains(self) -> bool:
        """Whether its results are about a target."""
        return "target" in {option.name for option in fields(self.analysis.options)}

    @property
    def needs(self) -> str:
        """How many pictures it needs, in words."""
        return f"The row {self.name} needs {self.fewest} pictures or more"


def _draw_predictions(results: Sequence[Prediction]) -> list[go.Figure]:
    return [prediction.draw(result) for result in results]


def _draw_evidence(results: Sequence[Evidence]) -> list[go.Figure]:
    limit = overlays.shared_limit([result.exact for result in results])
    return [evidence.draw(result, limit=limit) for result in results]


def _draw_attributions(results: Sequence[AttributionMap]) -> list[go.Figure]:
    limit = attribution_maps.shared_limit(results)
    return [attribution_maps.draw(result, limit=limit) for result in results]


def _field_sentence(results: Sequence[ReceptiveField]) -> str:
    first, *others = results
    size, side = float(first.sigma_square[-1]), first.view.shape[1]
    parts = [f"{preset_name(first)}'s is {size:.1f} px on pictures of {side} px"]
    for result in others:
        sigma, own = float(result.sigma_square[-1]), result.view.shape[1]
        ratio = f"{sigma / size:.2f} times that" if own == side else f"measured on {own} px"
        parts.append(f"{preset_name(result)}'s {sigma:.1f} px, {ratio}")
    return (
        f"σ is the spread of the squared gradient. In the last block {', '.join(parts)}. "
        "A larger field is not a better one."
    )


def _cka_sentence(results: Sequence[Representation]) -> str:
    return " ".join(representation.describe(results[0], other) for other in results[1:])


ROWS: tuple[Row[Any], ...] = (
    Row(
        "prediction",
        "What they say",
        PREDICTION,
        numbers.answers,
        figures=_draw_predictions,
        galleries=against_first.disagreements,
        headline=("says", "probability"),
    ),
    Row(
        "evidence",
        "Evidence",
        EVIDENCE,
        numbers.maps,
        figures=_draw_evidence,
        against_first=against_first.differences,
        reading=SIGNED,
        headline=("explains", "rank"),
    ),
    Row(
        "attribution",
        "Integrated gradients",
        ATTRIBUTION,
        numbers.maps,
        figures=_draw_attributions,
        against_first=against_first.differences,
        reading=SIGNED,
        options={"method": "integrated-gradients"},
        headline=("explains", "rank"),
        slow=True,
    ),
    Row(
        "receptive-field",
        "How far they see",
        RECEPTIVE_FIELD,
        numbers.field_sizes,
        figures=lambda results: [field_figures.compare_growth(results)],
        against_first=against_first.last_fields,
        sentence=_field_sentence,
        headline=("σ of the last block (px)",),
    ),
    Row(
        "structure",
        "Kernels by depth",
        STRUCTURE,
        numbers.last_blocks,
        figures=lambda results: [structure.compare(results)],
        headline=("last block: mean_effective_size_90",),
    ),
    Row(
        "representation",
        "How alike they hold the pictures",
        REPRESENTATION,
        numbers.likenesses,
        against_first=against_first.cka,
        sentence=_cka_sentence,
        fewest=agreement.FEWEST_PICTURES,
        headline=("CKA of last blocks",),
        slow=True,
    ),
    Row(
        "cost",
        "What they cost",
        COST,
        cost.table,
        sentence=cost.describe,
        headline=("ms a call",),
        slow=True,
    ),
)


def summary(sections: Sequence[tuple[Row[Any], Sequence[Result]]]) -> Table:
    """A line a row: what it is, and each preset's number that stands for it."""
    return [_headline(row, row.numbers(results)) for row, results in sections]


def _headline(row: Row[Any], numbers: Table) -> dict[str, Any]:
    by_preset = {line["preset"]: [line.get(name) for name in row.headline] for line in numbers}
    names = ", ".join(COLUMN_NAMES.get(name, name) for name in row.headline).replace("_", " ")
    return {"row": row.title, "number": names} | {
        preset: ", ".join(as_text(value) for value in values if value is not None)
        for preset, values in by_preset.items()
    }


def choose(names: Sequence[str], pictures: int) -> list[Row[Any]]:
    """The rows of those names; none named is all that so many pictures suffice for."""
    known = {row.name: row for row in ROWS}
    unknown = set(names) - known.keys()
    if unknown:
        raise ChoiceError(f"There is no row {min(unknown)!r}: choose of {', '.join(known)}.")
    missing = [known[name].needs for name in names if pictures < known[name].fewest]
    if missing:
        raise ChoiceError(f"{missing[0]}, not {pictures}: add pictures or a folder.")
    return [row for row in ROWS if row.name in names or (not names and pictures >= row.fewest)]


def left_out(rows: Sequence[Row[Any]], names: Sequence[str]) -> list[str]:
    """Why rows that nobody named aren't among those chosen, in sentences."""
    return [f"{row.needs}." for row in ROWS if not names and row not in rows]
