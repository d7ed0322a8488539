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
from convmixer_viz.weights.assumptions import own_preset

PACKAGE = Path(convmixer_viz.__file__).parent
Kind = Literal["shipped", "added", "fetched", "missing"]


@dataclass(frozen=True, slots=True)
class Location:
    """Where a preset's weights are, and which file it is."""

    kind: Kind
    path: Path | None
    bytes: int  # 0 where missing
    sha256: str  # of the file; empty where missing
    origin: str  # one clause for people: who made the file, or how to get one


def all_presets() -> dict[str, Preset]:
    """All presets by name: the table, then those of the user's own weights."""
    own = {
        name: own_preset(name, entry.record.shape, entry.class_count, entry.record.transform)
        for name, entry in user_folder.entries().items()
        if not entry.replaces
    }
    return PRESETS | own


def search(preset: Preset) -> tuple[Kind, Path | None]:
    """Look for a preset's file in this order: the package's own folder, what the user added, the
    hub's cache. Returns where it is first met, and the file."""
    for folder in (PACKAGE, PACKAGE.parent):  # wheel, checkout
        shipped = folder / "pretrained" / f"{preset.name}.safetensors"
        if preset.name in PRESETS and shipped.is_file():
            return "shipped", shipped
    if user_folder.NAME_PATTERN.fullmatch(preset.name) and user_folder.is_added(preset.name):
        return "added", user_folder.weights_file(preset.name)
    fetched = hub.checked_file(preset)
    return ("fetched", fetched.resolve()) if fetched else ("missing", None)


def find_file(preset: Preset) -> Path | None:
    """The file of a preset's weights, none where it isn't here."""
    return search(preset)[1]


def require_file(preset: Preset) -> Path:
    """The file of a preset's weights; a WeightsError says how to get it where it isn't here."""
    file = find_file(preset)
    if file is None:
        raise WeightsError(how_to_get(preset))
    return file


def location(preset: Preset) -> Location:
    """Where a preset's weights are, with their size and sha256."""
    kind, file = search(preset)
    origin = _origin(preset, kind)
    if file is None:
        return Location("missing", None, 0, "", origin)
    return Location(kind, file, file.stat().st_size, user_folder.sha256(file), origin)


def companion_file(preset: Preset, suffix: str) -> Path | None:
    """A file that ships with the weights: the card ".md", the training log ".json"."""
    kind, file = search(preset)
    companion = file.with_suffix(suffix) if file and kind == "shipped" else None
    return companion if companion and companion.is_file() else None


def how_to_get(preset: Preset) -> str:
    """What to do about weights that aren't here, as a sentence."""
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
        f"convmixer-viz models fetch {name}, {hub.manual_hint(preset)}."
    )


def class_names(preset: Preset) -> tuple[str, ...]:
    """The classes that a preset knows, in the order of their indices."""
    if preset.class_set != "own":
        return classes.names(preset.class_set)
    entry = user_folder.entries().get(preset.name)
    names = entry.record.classes if entry else None
    return names or tuple(map(str, range(preset.class_count)))


def _origin(preset: Preset, kind: Kind) -> str:
    if kind == "added":
        entry = user_folder.entries().get(preset.name)
        if entry is None:
            return "added"
        made = entry.record.made_of and f", {entry.record.made_of}"
        return f"{entry.origin}, added {entry.date[:10]}{made}"
    if kind == "shipped":
        return "comes with convmixer-viz; the card says how it was made"
    if preset.published is None:
        return f"not trained yet, which convmixer-viz train {preset.name} does"
    return f"{preset.published.hub} on the Hugging Face hub"
