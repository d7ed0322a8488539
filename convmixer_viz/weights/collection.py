"""The user's collection of weights: fetch what is published, add files of one's own, remove."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from convmixer_viz.contract import Steps
from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import PRESETS, Activation, Preset, Residual
from convmixer_viz.weights import hub, locate, metadata, user_folder, worker
from convmixer_viz.weights.assumptions import own_preset
from convmixer_viz.weights.candidate import WEIGHTS, Candidate, Verification

CLASS_FILE = "the class file"  # as its sentences call it; no upload's name has a space


class Addition(NamedTuple):
    """A preset that now has weights, and what had to be assumed about them."""

    preset: Preset
    assumed: tuple[str, ...]


def fetch(name: str) -> Steps[Any]:
    """Bring a published preset's weights from the hub; steps count bytes, the last one has the
    verified file. Close the iterator to stop: the next fetch goes on from what has come."""
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
    residual: Residual | None = None,
) -> Addition:
    """Verify a weights file and keep it in the user's cache, in our own dialect: for a preset of
    the table (`replaces`), or as one of its own, named after the file where `name` is None."""
    from convmixer_viz.weights import verification  # late: torch takes seconds

    target = _free_name(replaces or name or _name_from(file), replaces is not None)
    candidate = Candidate(
        str(file),
        target,
        replaces,
        preprocess,
        None if class_file is None else str(class_file),
        activation,
        residual,
    )
    with user_folder.scratch() as folder:
        return _store(candidate, verification.verify(candidate, folder), folder)


def add_upload(
    data: bytes, filename: str, *, class_data: bytes | None = None, **options: Any
) -> Addition:
    """`add` for files that came through the browser: they are read in a process of its own, and
    their names can't lead out of the folder. `options` are those of `add`, without files."""
    with user_folder.scratch() as folder:
        if class_data is not None:
            options["class_file"] = str(folder / CLASS_FILE)
            user_folder.write_whole(folder / CLASS_FILE, class_data)
        stem = re.sub(r"[^\w.-]", "-", re.split(r"[/\\]", filename)[-1]).lstrip(".")
        file = folder / "upload" / f"{stem or 'upload'}"[-100:]
        replaces, own = options.pop("replaces", None), options.pop("name", None)
        if options.get("preprocess"):
            table.find(options["preprocess"], locate.all_presets())  # those that who adds may see
        name = replaces or user_folder.own_name(own or _name_from(file))
        target = _free_name(name, replaces is not None)
        user_folder.write_whole(file, data)
        candidate = Candidate(str(file), target, replaces, **options)
        return _store(candidate, worker.verify(candidate, folder), folder)


def correct(
    name: str,
    *,
    preprocess: str | None = None,
    activation: Activation | None = None,
    residual: Residual | None = None,
) -> Preset:
    """Say anew what the file of a preset of one's own left open; None leaves it as it is. The
    tensors stay, the file's record changes, and so does its sha256."""
    from convmixer_viz.weights import checkpoint, verification  # late: torch takes seconds

    presets, entry = locate.all_presets(), user_folder.entries().get(name)
    if entry is None or entry.replaces:
        raise ChoiceError(f"{name} is no preset of your own: nothing of it was assumed.")
    preset = presets[name]
    weights = checkpoint.read_as(locate.require_file(preset), preset)
    shape = replace(
        preset.shape,
        activation=activation or preset.shape.activation,
        residual=preset.shape.residual if residual is None else residual,
    )
    transform = preset.transform
    if preprocess is not None:
        transform = table.find(preprocess, presets).transform
    checkpoint.check_patches(shape, transform)
    other = own_preset(name, shape, preset.class_count, transform)
    verification.check_cost(other)
    names, made_of = weights.class_names, weights.made_of
    with user_folder.scratch() as folder:
        file, exact = folder / WEIGHTS, checkpoint.FLOAT32
        checkpoint.save(file, weights.state, other, names, dtype=exact, made_of=made_of)
        user_folder.keep_weights(name, file)
    user_folder.write_entry(
        name,
        metadata.dumps(other, names, made_of),
        replaces=False,
        class_count=entry.class_count,
        origin=entry.origin,
        origin_sha256=entry.origin_sha256,
        date=entry.date,
        assumed=(),
    )
    return other


def sweep(age: float = user_folder.DAY) -> None:
    """Delete what kills left behind, where it is older than `age` in seconds."""
    user_folder.sweep(age)
    hub.sweep(age)


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


def _store(candidate: Candidate, verified: Verification, folder: Path) -> Addition:
    """Move verified weights out of the folder to their own name; their entry, which makes them a
    preset, comes last."""
    _free_name(candidate.name, candidate.replaces is not None)  # it took a while
    user_folder.keep_weights(candidate.name, folder / WEIGHTS)
    try:
        user_folder.write_entry(
            candidate.name,
            verified.record,
            replaces=candidate.replaces is not None,
            class_count=verified.class_count,
            origin=Path(candidate.file).name,
            origin_sha256=verified.origin_sha256,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            assumed=verified.assumed,
        )
    except WeightsError:
        user_folder.remove(candidate.name)
        raise
    return Addition(locate.all_presets()[candidate.name], verified.assumed)


def _free_name(name: str, replaces: bool) -> str:
    """The name, where weights may be added under it."""
    added = user_folder.is_added(name)  # checks the name, too
    shipped = name in PRESETS and locate.search(PRESETS[name])[0] == "shipped"
    if replaces and name in PRESETS and (added or shipped):
        what = "ships with its weights" if shipped else "has added weights"
        hint = "give weights of your own another name" if shipped else "remove them first"
        raise ChoiceError(f"{name} {what}: {hint}.")
    if not replaces and (added or name in PRESETS):
        raise ChoiceError(f"There is already a preset {name}: choose another name, or remove it.")
    return name


def _name_from(file: Path) -> str:
    stem = file.name.split(".")[0].lower()
    plain = "".join(c if user_folder.NAME_PATTERN.fullmatch(f"a{c}") else "-" for c in stem)
    return plain.strip("-._")[:64]
