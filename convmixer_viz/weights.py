"""Where a preset's weights are: shipped, added, fetched or not yet here; and its class names."""

from __future__ import annotations

import datetime
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from convmixer_viz import catalog, classes, hub, records, store
from convmixer_viz.assumptions import preset
from convmixer_viz.contract import Step
from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import PRESETS, Preset
from convmixer_viz.records import Activation

PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Source:
    """Where a preset's weights come from."""

    kind: Literal["shipped", "added", "fetched", "missing"]
    path: Path | None
    bytes: int  # 0 where missing
    sha256: str  # of the file; empty where missing
    origin: str  # in words


class Addition(NamedTuple):
    """A preset that now has weights, and what had to be assumed about them."""

    preset: Preset
    assumed: tuple[str, ...]


def known() -> dict[str, Preset]:
    """All presets by name: the table, then the user's own."""
    own = {
        name: preset(name, entry.record.shape, entry.class_count, entry.record.transform)
        for name, entry in store.added().items()
        if not entry.replaces
    }
    return PRESETS | own


def locate(preset: Preset) -> Path | None:
    """The file of a preset's weights, none where it isn't here."""
    return _place(preset)[1]


def path(preset: Preset) -> Path:
    """The file of a preset's weights; a WeightsError says how to get it where it isn't here."""
    found = locate(preset)
    if found is None:
        raise WeightsError(missing(preset))
    return found


def source(preset: Preset) -> Source:
    """Where a preset's weights are, their size and sha256."""
    kind, found = _place(preset)
    origin = _origin(preset, kind)
    if found is None:
        return Source("missing", None, 0, "", origin)
    return Source(kind, found, found.stat().st_size, store.sha256(found), origin)


def beside(preset: Preset, suffix: str) -> Path | None:
    """A file that ships with the weights: the card ".md", the training log ".json"."""
    kind, found = _place(preset)
    path = found.with_suffix(suffix) if found and kind == "shipped" else None
    return path if path and path.is_file() else None


def facts(preset: Preset) -> dict[str, Any]:
    """What a table of presets says: plain values; accuracies in percent, multiply-adds whole."""
    place, published = source(preset), preset.published
    top1, top1_is = accuracy(preset)
    multiply_adds = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
    return {
        "preset": preset.name,
        "summary": preset.summary,
        "parameters": preset.parameters,
        "multiply_adds": sum(multiply_adds.values()),
        "published_multiply_adds": round(published.giga_macs * 1e9) if published else None,
        "top1": top1,
        "top1_is": top1_is,
        "weights": place.kind,
        "bytes": place.bytes or (published.megabytes * 10**6 if published else 0),
        "path": str(place.path) if place.path else None,
        "sha256": place.sha256,
        "origin": place.origin,
        "licence": preset.licence,
    }


def accuracy(preset: Preset) -> tuple[float | None, str]:
    """Top-1 in percent, none where nobody measured it; and where it comes from, in words."""
    if preset.published:
        return preset.published.top1, "published, ImageNet-1k"
    log = beside(preset, ".json")
    told = json.loads(log.read_text("utf-8")) if log else {}
    measured, epochs = told.get("measured"), len(told.get("epochs", ()))
    if measured is None:
        return None, "not measured"
    pictures = measured["pictures"]
    share = 100 * measured["right"] / pictures
    return share, f"measured on {pictures:,} test pictures after {epochs} epochs"


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
    entry = store.added().get(preset.name)
    names = entry.record.classes if entry else None
    return names or tuple(map(str, range(preset.class_count)))


def fetch(name: str) -> Iterator[Step[Any]]:
    """Bring a published preset's weights from the hub; steps count bytes, the last one has the
    verified file. Close the iterator to cancel: nothing incomplete stays."""
    wanted = catalog.preset(name, PRESETS)
    if wanted.published is None:
        path(wanted)  # says how to make them where they don't ship yet
        raise ChoiceError(f"{name} ships with convmixer-viz: there is nothing to fetch.")
    return hub.fetch(wanted)


def add(
    file: Path,
    *,
    replaces: str | None = None,
    name: str | None = None,
    preprocess: str | None = None,
    class_file: Path | None = None,
    activation: Activation | None = None,
    residual: bool | None = None,
) -> Addition:
    """Verify a weights file and keep it in the user's cache, in our own dialect: for a preset of
    the table (`replaces`), or as one of its own, named after the file where `name` isn't said."""
    from convmixer_viz import checkpoints  # not before: torch takes seconds

    target = _free_name(replaces or name or _name_of(file), replaces is not None)
    hub.check_name(file, PRESETS.get(replaces or ""))
    row, found = checkpoints.adopt(
        target, file, known(), like=replaces, preprocess=preprocess, classes=class_file,
        activation=activation, residual=residual,
    )  # fmt: skip
    kept = store.weights_of(target)
    checkpoints.save(kept, found.state, row, found.class_names, dtype=checkpoints.FLOAT32)
    try:
        store.write_record(
            target, records.write(row, found.class_names), replaces=replaces is not None,
            class_count=row.class_count, origin=file.name, origin_sha256=found.sha256,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            assumed=found.assumed,
        )  # fmt: skip
    except WeightsError:
        kept.unlink()
        raise
    return Addition(PRESETS[target] if replaces else row, found.assumed)


def add_upload(
    data: bytes, filename: str, *, class_data: bytes | None = None, **said: Any
) -> Addition:
    """The same for files that came through the browser; their names can't lead anywhere."""
    with tempfile.TemporaryDirectory() as scratch:
        if class_data is not None:
            said["class_file"] = Path(scratch, "class names")  # no upload's name has a space
            said["class_file"].write_bytes(class_data)
        plain = re.sub(r"[^\w.-]", "-", re.split(r"[/\\]", filename)[-1]).lstrip(".")
        file = Path(scratch, f"{plain or 'upload'}"[-100:])
        file.write_bytes(data)
        return add(file, **said)


def remove(name: str) -> None:
    """Delete what was added or fetched under a name."""
    if store.remove(name):
        return
    row = catalog.preset(name, known())
    kind, found = _place(row)
    if kind == "shipped":
        raise ChoiceError(f"{name} ships with convmixer-viz and stays.")
    if found is None:
        raise ChoiceError(f"{name} has no weights here: there is nothing to remove.")
    hub.discard(row)


def _place(preset: Preset) -> tuple[Literal["shipped", "added", "fetched", "missing"], Path | None]:
    for beside in (PACKAGE, PACKAGE.parent):  # wheel, checkout
        shipped = beside / "pretrained" / f"{preset.name}.safetensors"
        if preset.name in PRESETS and shipped.is_file():
            return "shipped", shipped
    if store.NAME.fullmatch(preset.name) and store.weights_of(preset.name).is_file():
        return "added", store.weights_of(preset.name)
    fetched = hub.cached(preset)
    return ("fetched", fetched.resolve()) if fetched else ("missing", None)


def _origin(preset: Preset, kind: str) -> str:
    if kind == "added":
        entry = store.added().get(preset.name)
        return f"{entry.origin}, added {entry.date[:10]}" if entry else "added"
    if kind == "shipped":
        return "comes with convmixer-viz; the card says how it was made"
    if preset.published is None:
        return f"not trained yet, which convmixer-viz train {preset.name} does"
    return f"{preset.published.hub} on the Hugging Face hub"


def _free_name(name: str, replaces: bool) -> str:
    there = store.weights_of(name).is_file()  # checks the name, too
    shipped = name in PRESETS and _place(PRESETS[name])[0] == "shipped"
    if replaces and name in PRESETS and (there or shipped):
        what = "ships with its weights" if shipped else "has added weights"
        hint = "use --name for weights of your own" if shipped else "remove them first"
        raise ChoiceError(f"{name} {what}: {hint}.")
    if not replaces and (there or name in PRESETS):
        raise ChoiceError(f"There is already a preset {name}: choose another --name, or remove it.")
    return name


def _name_of(file: Path) -> str:
    stem = file.name.split(".")[0].lower()
    return "".join(c if store.NAME.fullmatch(f"a{c}") else "-" for c in stem).strip("-._")[:64]
