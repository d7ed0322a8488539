"""Presets side by side: a row a question, a column a preset, one scale a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convmixer_viz import agreement, catalog
from convmixer_viz.errors import ChoiceError
from convmixer_viz.figures import cost, evidence, prediction, representation
from convmixer_viz.figures.attribution import maps as attribution_maps
from convmixer_viz.figures.kernels import structure
from convmixer_viz.figures.receptive_field import fields
from convmixer_viz.presets import classes

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from convmixer_viz.pictures.decode import Picture
    from convmixer_viz.request import Request
    from convmixer_viz.workbench import Workbench

Numbers = list[dict[str, Any]]
READING = "Red speaks for the class that the table names, blue against; one scale a row."


@dataclass(frozen=True, slots=True)
class Row:
    """One question put to every preset."""

    name: str
    title: str
    analysis: str
    figures: Callable[[Sequence[Any]], list[go.Figure]]  # one a column, or one for all
    numbers: Callable[[Sequence[Any]], Numbers]  # agreement with the first column
    pictures: int = 1  # fewest that it needs
    options: tuple[tuple[str, Any], ...] = ()
    sentence: Callable[[Sequence[Any]], str] | None = None  # the row in a sentence


def requests(
    bench: Workbench, row: Row, presets: Sequence[str], pictures: Sequence[Picture], **how: Any
) -> list[Request[Any]]:
    """The row's analysis for every preset. A target is a name: a preset that doesn't know every
    class that is named explains its own prediction."""
    analysis = catalog.find(row.analysis)
    shown = pictures[:1] if analysis.images == "one" else pictures
    given = () if analysis.images == "none" else shown
    given_names = {key: how.pop(key, None) for key in ("target", "against")}
    aims = {key: _label(bench, presets, text) for key, text in given_names.items() if text}
    return [
        bench.request(
            row.analysis, given, preset=name, **dict(row.options), **how,
            **(_aims(bench, name, aims) if analysis.name in EXPLAINS else {}),
        )
        for name in presets
    ]  # fmt: skip


def _label(bench: Workbench, presets: Sequence[str], text: str) -> str:
    """The class that a person means, by the first preset that knows it; refused where none does."""
    known = [bench.models.class_names(preset) for preset in presets]
    names = next((names for names in known if _knows(names, text)), known[0])
    return classes.label(names, classes.find(names, text))


def _aims(bench: Workbench, preset: str, aims: dict[str, str]) -> dict[str, Any]:
    names = bench.models.class_names(preset)
    return aims if all(_knows(names, text) for text in aims.values()) else {}


def _knows(names: Sequence[str], text: str) -> bool:
    try:
        classes.find(names, text)
    except ChoiceError:
        return False
    return True


def maps_on_common_grid(results: Sequence[Any], maps: Sequence[Any]) -> list[Any]:
    """Each preset's map as 16×16 sums over the part of the picture that all of them see."""
    shared = agreement.shared_box([result.box for result in results])
    return [
        agreement.common_grid(values, result.box, shared)
        for values, result in zip(maps, results, strict=True)
    ]


def _name(result: Any) -> str:
    return str(result.provenance.preset)


def _predictions(results: Sequence[Any]) -> Numbers:
    first, *others = results
    rows: Numbers = [_answer(first)]
    for other in others:
        row = _answer(other)
        if other.classes == first.classes:
            alike = agreement.predictions(
                (first.logits, first.classes), (other.logits, other.classes)
            )
            count = len(first.logits)
            row |= {
                "same first class": f"{round(alike.top1 * count)} of {count}",
                "logits alike": alike.logits,
                "divergence (bit)": alike.divergence,
            }
        rows.append(row)
    return rows


def _answer(result: Any) -> dict[str, Any]:
    best = result.top[0][0]
    return {"preset": _name(result), "says": result.classes[best],
            "probability": float(result.probabilities[0, best])}  # fmt: skip


def _maps(results: Sequence[Any], maps: Sequence[Any]) -> Numbers:
    grids = maps_on_common_grid(results, maps)
    rows: Numbers = []
    for result, grid in zip(results, grids, strict=True):
        alike = agreement.agreement(grids[0], grid)
        rows.append(
            {"preset": _name(result), "explains": result.target_name, "rank": alike.spearman,
             "structure": alike.ssim, "overlap": alike.overlap}
        )  # fmt: skip
    return rows


def _evidence(results: Sequence[Any]) -> list[go.Figure]:
    limit = max(float(np.abs(result.maps[-1]).max()) for result in results)
    return [evidence.draw(result, limit=limit) for result in results]


def _attribution(results: Sequence[Any]) -> list[go.Figure]:
    limit = attribution_maps.shared_limit(results)
    return [attribution_maps.draw(result, limit=limit) for result in results]


def _fields(results: Sequence[Any]) -> Numbers:
    return [
        {"preset": _name(r), "σ of block 1 (px)": float(r.sigma_square[1]),
         "σ of the last block (px)": float(r.sigma_square[-1]),
         "theoretical (px)": int(r.theoretical[-1])}
        for r in results
    ]  # fmt: skip


def _fields_told(results: Sequence[Any]) -> str:
    first, *others = results
    size, side = float(first.sigma_square[-1]), first.view.shape[1]
    said = [f"{_name(first)}'s is {size:.1f} px on pictures of {side} px"]
    for result in others:
        sigma, own = float(result.sigma_square[-1]), result.view.shape[1]
        ratio = f"{sigma / size:.2f} times that" if own == side else f"measured on {own} px"
        said.append(f"{_name(result)}'s {sigma:.1f} px, {ratio}")
    return (
        f"σ is the spread of the squared gradient. In the last block {', '.join(said)}. "
        "A larger field is not a better one."
    )


def _alike_told(results: Sequence[Any]) -> str:
    return " ".join(representation.describe(results[0], each) for each in results[1:])


def _structures(results: Sequence[Any]) -> Numbers:
    return [
        {"preset": _name(result)} | {f"last block: {key}": value for key, value in last.items()}
        for result in results
        for last in [result.rows()[-1]]
    ]


def _alike(results: Sequence[Any]) -> Numbers:
    first = results[0].gram
    rows: Numbers = []
    for result in results:
        found = agreement.cka(first, result.gram)
        flat = any(len(gram) - 1 in rows for gram, rows in
                   zip((first, result.gram), found.constant, strict=True))  # fmt: skip
        rows.append(
            {"preset": _name(result), "CKA of last blocks": None if flat else
             float(found.values[-1, -1]), "spread of unrelated ones": found.spread}
        )  # fmt: skip
    return rows


ROWS = (
    Row("prediction", "What they say", "prediction",
        lambda results: [prediction.draw(result) for result in results], _predictions),
    Row("evidence", "Evidence", "evidence", _evidence,
        lambda results: _maps(results, [result.maps[-1] for result in results])),
    Row("attribution", "Integrated gradients", "attribution", _attribution,
        lambda results: _maps(results, [result.tokens for result in results])),
    Row("receptive-field", "How far they see", "receptive-field",
        lambda results: [fields.compare_growth(results)], _fields, sentence=_fields_told),
    Row("structure", "Kernels by depth", "structure",
        lambda results: [structure.compare(results)], _structures),
    Row("representation", "How alike they hold the pictures", "representation",
        lambda results: [], _alike, agreement.FEWEST,
        sentence=_alike_told),
    Row("cost", "What they cost", "cost", lambda results: [], cost.table, sentence=cost.describe),
)  # fmt: skip
EXPLAINS = ("evidence", "attribution")


def rows(names: Sequence[str], pictures: int) -> list[Row]:
    """The rows of those names (none: all) that so many pictures suffice for."""
    unknown = set(names) - {row.name for row in ROWS}
    if unknown:
        raise ChoiceError(
            f"There is no row {min(unknown)!r}: choose of {', '.join(row.name for row in ROWS)}."
        )
    return [row for row in ROWS if (row.name in names or not names) and pictures >= row.pictures]
