"""convmixer-viz data: named folders of pictures; list, fetch or remove one."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from convmixer_viz.commands import console
from convmixer_viz.errors import DataError
from convmixer_viz.pictures import folders
from convmixer_viz.pictures.folders import DataSet
from convmixer_viz.weights import user_folder

MIB = 2**20


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "data sets that are here; fetch or remove one"
    command = subparsers.add_parser("data", help=summary, description=summary)
    command.set_defaults(run=_list, data=[], json=False)
    actions = command.add_subparsers(metavar="ACTION")
    show = actions.add_parser("list", help="data sets with their pictures and classes")
    show.add_argument("--data", action="append", default=[], metavar="NAME=DIR", help="one more")
    show.add_argument("--json", action="store_true", help="print JSON instead of a table")
    show.set_defaults(run=_list)
    fetch = actions.add_parser("fetch", help="bring a public data set: cifar10 or imagenette")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(run=_fetch)
    remove = actions.add_parser("remove", help="delete a data set that was fetched")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=_remove)


def chosen(texts: Iterable[str]) -> dict[str, Path]:
    """The folders that NAME=DIR or DIR name, by name; each must be there."""
    sets: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        path = Path(folder if equals else text)
        name = name if equals else path.resolve().name
        if name in sets:
            raise DataError(f"Two data sets are called {name}: give one another name by NAME=DIR.")
        folders.parts(name, path)
        sets[name] = path
    return sets


def folder_of(text: str) -> Path:
    """The folder that --data names: a directory, or a data set that was fetched, or its part."""
    path = Path(text)
    if path.is_dir():
        return path
    whole = user_folder.data_sets() / text
    if folders.NAME_PATTERN.fullmatch(text) and whole.is_dir():
        return whole
    return user_folder.fetched_data().get(text, path)


def find(text: str) -> DataSet:
    """The data set that NAME, NAME=DIR or DIR means; of a folder with parts one must be named."""
    fetched = user_folder.fetched_data()
    if text in fetched or not ("=" in text or Path(text).is_dir()):
        return open_set(text, folders.find(text, fetched))
    ((name, whole),) = chosen([text]).items()
    parts = folders.parts(name, whole)
    if len(parts) > 1:
        raise DataError(f"{whole} has the parts {', '.join(parts)}: name the folder of one.")
    ((name, folder),) = parts.items()
    return open_set(name, folder)


def open_set(name: str, folder: Path) -> DataSet:
    """The data set of a folder, with progress while its index is made."""
    steps = folders.read(name, folder, user_folder.indices())
    data: DataSet = console.follow(steps, f"reading {name}")
    return data


def _list(arguments: argparse.Namespace) -> None:
    sets = user_folder.fetched_data()
    for name, folder in chosen(arguments.data).items():
        sets |= folders.parts(name, folder)
    rows = [_row(open_set(name, folder)) for name, folder in sets.items()]
    if arguments.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        print(console.as_table(rows))
    else:
        print("There is no data set: convmixer-viz data fetch cifar10 brings one.")


def _row(data: DataSet) -> dict[str, Any]:
    return {
        "data set": data.name,
        "pictures": len(data),
        "classes": len(data.classes) or "–",
        "left out": data.left_out,
        "sha256": data.sha256[:8],
        "folder": str(data.folder),
    }


def _fetch(arguments: argparse.Namespace) -> None:
    from convmixer_viz.training import public_data  # not before: torchvision takes seconds

    line = console.ProgressLine()

    def report(what: str, done: int, total: int) -> None:
        if what == "bytes":
            line.show(f"{arguments.name}: {done / MIB:.0f} of {total / MIB:.0f} MiB")
        else:
            line.show(f"{arguments.name}: {what} {done} of {total}")

    with console.interruptible():
        folder = public_data.fetch(arguments.name, report)
    line.clear()
    print(f"{arguments.name} is in {folder}.")


def _remove(arguments: argparse.Namespace) -> None:
    folder = user_folder.data_sets() / arguments.name
    if not folders.NAME_PATTERN.fullmatch(arguments.name) or not folder.is_dir():
        here = ", ".join(user_folder.fetched_data()) or "none"
        raise DataError(f"No data set {arguments.name[:80]!r} was fetched: there is {here}.")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise DataError(f"{folder} can't be deleted ({error.strerror}).") from error
    print(f"{arguments.name} is deleted.")
