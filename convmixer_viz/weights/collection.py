"""The user's collection of weights: fetch what is published, add files of one's own, remove."""

from __future__ import annotations

import datetime
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from convmixer_viz.contract import Steps
from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import PRESETS, Activation, Preset
from convmixer_viz.weights import hub, locate, metadata, user_folder

if TYPE_CHECKING:
    from convmixer_viz.weights.checkpoint import Checkpoint


class Addition(NamedTuple):
    """A preset that now has weights, and what had to be assumed about them."""

    preset: Preset
    assumed: tuple[str, ...]


def fetch(name: str) -> Steps[Any]:
    """Bring a published preset's weights from the hub; steps count bytes, the last one has the
    verified file. Close the iterator to cancel: nothing incomplete stays."""
    preset = table.find(name, PRESETS)
    if preset.published is None:
        locate.require_file(preset)  # says how to make them where they don't ship yet
        raise ChoiceError(f"{name} ships with convmixer-viz: there is nothing to fetch.")
    return hub.fetch(preset)


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
    the table (`replaces`), or as one of its own, named after the file where `name` is None."""
    from convmixer_viz.weights import checkpoint  # late: torch takes seconds

    target = _free_name(replaces or name or _name_from(file), replaces is not None)
    hub.check_openmmlab_digest(file, PRESETS.get(replaces or ""))
    preset, weights = checkpoint.make_preset(
        target,
        file,
        locate.all_presets(),
        like=replaces,
        preprocess=preprocess,
        classes=class_file,
        activation=activation,
        residual=residual,
    )
    entry = {
        "replaces": replaces is not None,
        "class_count": preset.class_count,
        "origin": file.name,
        "origin_sha256": weights.sha256,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "assumed": weights.assumed,
    }
    _store(preset, weights, entry)
    return Addition(PRESETS[target] if replaces else preset, weights.assumed)


def add_upload(
    data: bytes, filename: str, *, class_data: bytes | None = None, **options: Any
) -> Addition:
    """`add` for files that came through the browser: their names can't lead out of the folder.
    `options` are those of `add`."""
    with tempfile.TemporaryDirectory() as scratch:
        if class_data is not None:
            options["class_file"] = Path(scratch, "class names")  # no upload's name has a space
            options["class_file"].write_bytes(class_data)
        name = re.sub(r"[^\w.-]", "-", re.split(r"[/\\]", filename)[-1]).lstrip(".")
        file = Path(scratch, f"{name or 'upload'}"[-100:])
        file.write_bytes(data)
        return add(file, **options)


def remove(name: str) -> None:
    """Delete what was added or fetched under a name."""
    if user_folder.remove(name):
        return
    preset = table.find(name, locate.all_presets())
    kind, file = locate.search(preset)
    if kind == "shipped":
        raise ChoiceError(f"{name} ships with convmixer-viz and stays.")
    if file is None:
        raise ChoiceError(f"{name} has no weights here: there is nothing to remove.")
    hub.delete_cached(preset)


def _store(preset: Preset, weights: Checkpoint, entry: dict[str, Any]) -> None:
    """Write the weights and their entry into the user's folder, both or none."""
    from convmixer_viz.weights import checkpoint  # late: torch takes seconds

    file = user_folder.weights_file(preset.name)
    checkpoint.save(file, weights.state, preset, weights.class_names, dtype=checkpoint.FLOAT32)
    record = metadata.dumps(preset, weights.class_names)
    try:
        user_folder.write_entry(preset.name, record, **entry)
    except WeightsError:
        file.unlink()
        raise


def _free_name(name: str, replaces: bool) -> str:
    """The name, where weights may be added under it."""
    added = user_folder.weights_file(name).is_file()  # checks the name, too
    shipped = name in PRESETS and locate.search(PRESETS[name])[0] == "shipped"
    if replaces and name in PRESETS and (added or shipped):
        what = "ships with its weights" if shipped else "has added weights"
        hint = "use --name for weights of your own" if shipped else "remove them first"
        raise ChoiceError(f"{name} {what}: {hint}.")
    if not replaces and (added or name in PRESETS):
        raise ChoiceError(f"There is already a preset {name}: choose another --name, or remove it.")
    return name


def _name_from(file: Path) -> str:
    stem = file.name.split(".")[0].lower()
    plain = "".join(c if user_folder.NAME_PATTERN.fullmatch(f"a{c}") else "-" for c in stem)
    return plain.strip("-._")[:64]
