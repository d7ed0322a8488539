"""Where a preset's weights are: shipped, added, fetched or not yet here; and its class names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import convmixer_viz
from convmixer_viz.errors import WeightsError
from convmixer_viz.presets import classes
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.weights import hub, user_folder
from convmixer_viz.weights.inference import preset

PACKAGE = Path(convmixer_viz.__file__).parent


@dataclass(frozen=True, slots=True)
class Source:
    """Where a preset's weights come from."""

    kind: Literal["shipped", "added", "fetched", "missing"]
    path: Path | None
    bytes: int  # 0 where missing
    sha256: str  # of the file; empty where missing
    origin: str  # in words


def known() -> dict[str, Preset]:
    """All presets by name: the table, then the user's own."""
    own = {
        name: preset(name, entry.record.shape, entry.class_count, entry.record.transform)
        for name, entry in user_folder.added().items()
        if not entry.replaces
    }
    return PRESETS | own


def file(preset: Preset) -> Path | None:
    """The file of a preset's weights, none where it isn't here."""
    return place(preset)[1]


def path(preset: Preset) -> Path:
    """The file of a preset's weights; a WeightsError says how to get it where it isn't here."""
    found = file(preset)
    if found is None:
        raise WeightsError(missing(preset))
    return found


def source(preset: Preset) -> Source:
    """Where a preset's weights are, their size and sha256."""
    kind, found = place(preset)
    origin = _origin(preset, kind)
    if found is None:
        return Source("missing", None, 0, "", origin)
    return Source(kind, found, found.stat().st_size, user_folder.sha256(found), origin)


def beside(preset: Preset, suffix: str) -> Path | None:
    """A file that ships with the weights: the card ".md", the training log ".json"."""
    kind, found = place(preset)
    path = found.with_suffix(suffix) if found and kind == "shipped" else None
    return path if path and path.is_file() else None


def missing(preset: Preset) -> str:
    """What to do about weights that aren't here."""
    name = preset.name
    if name not in PRESETS:
        return f"The weights of {name} are gone: convmixer-viz models remove {name}, and add them."
    if preset.published is None:
        return (
            f"{name} is not trained yet: run convmixer-viz train {name} --data DIR --out DIR, then "
            f"convmixer-viz models add DIR/{name}.safetensors --as {name}."
        )
    return (
        f"The weights of {name} ({preset.published.megabytes} MB) are not here: run "
        f"convmixer-viz models fetch {name}, {hub.by_hand(preset)}."
    )


def class_names(preset: Preset) -> tuple[str, ...]:
    """The classes that a preset knows, in the order of their indices."""
    if preset.class_set != "own":
        return classes.names(preset.class_set)
    entry = user_folder.added().get(preset.name)
    names = entry.record.classes if entry else None
    return names or tuple(map(str, range(preset.class_count)))


def place(preset: Preset) -> tuple[Literal["shipped", "added", "fetched", "missing"], Path | None]:
    for beside in (PACKAGE, PACKAGE.parent):  # wheel, checkout
        shipped = beside / "pretrained" / f"{preset.name}.safetensors"
        if preset.name in PRESETS and shipped.is_file():
            return "shipped", shipped
    if user_folder.NAME.fullmatch(preset.name) and user_folder.weights_of(preset.name).is_file():
        return "added", user_folder.weights_of(preset.name)
    fetched = hub.cached(preset)
    return ("fetched", fetched.resolve()) if fetched else ("missing", None)


def _origin(preset: Preset, kind: str) -> str:
    if kind == "added":
        entry = user_folder.added().get(preset.name)
        return f"{entry.origin}, added {entry.date[:10]}" if entry else "added"
    if kind == "shipped":
        return "comes with convmixer-viz; the card says how it was made"
    if preset.published is None:
        return f"not trained yet, which convmixer-viz train {preset.name} does"
    return f"{preset.published.hub} on the Hugging Face hub"
