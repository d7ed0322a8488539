"""What each column of a row asks for: page and command line make the same requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convmixer_viz.comparison.rows import Row
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.presets.classes import find, label
from convmixer_viz.request import Request
from convmixer_viz.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Column:
    """A preset, or its edited self."""

    preset: str
    edits: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.preset + " edited" * bool(self.edits)


def beside(presets: Sequence[str], edits: Sequence[str] = ()) -> tuple[Column, ...]:
    """A column a preset; where the first is edited it stands unedited before its edited self."""
    first, *others = map(Column, presets)
    edited = [Column(first.preset, tuple(edits))] if edits else []
    return first, *edited, *others


def choices(
    bench: Workbench,
    row: Row[Any],
    columns: Sequence[Column],
    pictures: Sequence[Picture],
    **classes: str | None,
) -> dict[Column, dict[str, Any]]:
    """By column, the keywords of Workbench.request; `classes` are target and against, as labels."""
    taken = {"none": (), "one": pictures[:1], "many": pictures}[row.analysis.images]
    return {
        column: {"pictures": taken, "preset": column.preset, "edits": column.edits}
        | row.options
        | (explained(bench, column.preset, **classes) if row.explains else {})
        for column in columns
    }


def explained(bench: Workbench, preset: str, **classes: str | None) -> dict[str, str | None]:
    """The classes that a preset explains; none (its own prediction) where it lacks one of them."""
    return {} if unknown(bench, preset, **classes) else classes


def unknown(bench: Workbench, preset: str, **classes: str | None) -> list[str]:
    """Those of the classes that a preset doesn't know."""
    known = bench.models.class_labels(preset)
    return [name for name in classes.values() if name is not None and name not in known]


def requests(
    bench: Workbench,
    row: Row[Any],
    columns: Sequence[Column],
    pictures: Sequence[Picture],
    *,
    target: str | None = None,
    against: str | None = None,
    **model: Any,
) -> list[Request[Any]]:
    """The row's request for every column; `model` is random, device and mode. A class is named as
    a person types it, and refused where no preset knows it."""
    typed = {"target": target, "against": against}
    presets = [column.preset for column in columns]
    labels = {key: text and _label(bench, presets, text) for key, text in typed.items()}
    asks = choices(bench, row, columns, pictures, **labels)
    return [bench.request(row.analysis, **asked, **model) for asked in asks.values()]


def _label(bench: Workbench, presets: Sequence[str], text: str) -> str:
    """The class that a person means, by the first preset that knows it."""
    known = [bench.models.class_names(preset) for preset in presets]
    names = next((names for names in known if _knows(names, text)), known[0])
    return label(names, find(names, text))


def _knows(names: Sequence[str], text: str) -> bool:
    try:
        find(names, text)
    except ChoiceError:
        return False
    return True
