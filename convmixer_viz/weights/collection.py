"""What a person brings, fetches and removes."""

from __future__ import annotations

import datetime
import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from convmixer_viz.contract import Steps
from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import PRESETS, Activation, Preset
from convmixer_viz.weights import hub, locate, metadata, user_folder


class Addition(NamedTuple):
    """A preset that now has weights, and what had to be assumed about them."""

    preset: Preset
    assumed: tuple[str, ...]


def fetch(name: str) -> Steps[Any]:
    """Bring a published preset's weights from the hub; steps count bytes, the last one has the
    verified file. Close the iterator to cancel: nothing incomplete stays."""
    wanted = table.find(name, PRESETS)
    if wanted.published is None:
        locate.path(wanted)  # says how to make them where they don't ship yet
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
    from convmixer_viz.weights import checkpoint  # not before: torch takes seconds

    target = _free_name(replaces or name or _name_of(file), replaces is not None)
    hub.check_name(file, PRESETS.get(replaces or ""))
    row, found = checkpoint.adopt(
        target, file, locate.known(), like=replaces, preprocess=preprocess, classes=class_file,
        activation=activation, residual=residual,
    )  # fmt: skip
    kept = user_folder.weights_of(target)
    checkpoint.save(kept, found.state, row, found.class_names, dtype=checkpoint.FLOAT32)
    try:
        user_folder.write_record(
            target, metadata.write(row, found.class_names), replaces=replaces is not None,
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
    if user_folder.remove(name):
        return
    row = table.find(name, locate.known())
    kind, found = locate.place(row)
    if kind == "shipped":
        raise ChoiceError(f"{name} ships with convmixer-viz and stays.")
    if found is None:
        raise ChoiceError(f"{name} has no weights here: there is nothing to remove.")
    hub.discard(row)


def _free_name(name: str, replaces: bool) -> str:
    there = user_folder.weights_of(name).is_file()  # checks the name, too
    shipped = name in PRESETS and locate.place(PRESETS[name])[0] == "shipped"
    if replaces and name in PRESETS and (there or shipped):
        what = "ships with its weights" if shipped else "has added weights"
        hint = "use --name for weights of your own" if shipped else "remove them first"
        raise ChoiceError(f"{name} {what}: {hint}.")
    if not replaces and (there or name in PRESETS):
        raise ChoiceError(f"There is already a preset {name}: choose another --name, or remove it.")
    return name


def _name_of(file: Path) -> str:
    stem = file.name.split(".")[0].lower()
    return "".join(c if user_folder.NAME.fullmatch(f"a{c}") else "-" for c in stem).strip("-._")[
        :64
    ]
