"""convmixer-viz cache: results that are kept on disk; what is there, and emptying it."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import closing
from typing import Any

from convmixer_viz.commands import console
from convmixer_viz.engine.array_folders import ArrayFolders
from convmixer_viz.engine.store import DEFAULT_BYTES, Store
from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.weights import user_folder

STORE_VARIABLE = "CONVMIXER_VIZ_STORE"
GIB = 2**30
LARGEST = 2**20  # GiB


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "what results are kept on disk; empty it"
    command = subparsers.add_parser("cache", help=summary, description=summary)
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=_list)
    actions = command.add_subparsers(metavar="ACTION")
    empty = actions.add_parser("empty", help="delete all results that are kept")
    empty.set_defaults(run=_empty)


def add_flag(command: argparse.ArgumentParser) -> None:
    """The flag --store of a command that computes."""
    sentence = f"GiB of results kept on disk, 0 for none (default: ${STORE_VARIABLE}, or 2)"
    command.add_argument("--store", type=float, metavar="GIB", help=sentence)


def store_bytes(gib: float | None = None) -> int:
    """The bound on results kept on disk: what --store says, else the environment's."""
    if gib is None:
        text = os.environ.get(STORE_VARIABLE, str(DEFAULT_BYTES / GIB))
        try:
            gib = float(text)
        except ValueError as error:
            raise ChoiceError(f"{STORE_VARIABLE}={text[:80]!r} is no number of GiB.") from error
    if not 0 <= gib <= LARGEST:  # refuses what isn't a number, too
        raise ChoiceError(f"{gib} GiB is no bound for results on disk: choose 0 to {LARGEST}.")
    return int(gib * GIB)


def _list(arguments: argparse.Namespace) -> None:
    with closing(_store()) as store:
        rows = [
            {"results": kind, "count": count, "MiB": round(nbytes / 2**20, 2)}
            for kind, count, nbytes in store.holdings()
        ]
    if sizes := _folders().sizes():
        total = round(sum(sizes.values()) / 2**20, 2)
        rows.append({"results": "survey", "count": len(sizes), "MiB": total})
    _check(store)
    print(json.dumps(rows, indent=1) if arguments.json else console.as_table(rows))
    if not rows and not arguments.json:
        print(f"No results are kept in {store.folder}.")


def _empty(arguments: argparse.Namespace) -> None:
    with closing(_store()) as store:
        holdings = store.holdings()
        store.clear()
    _check(store)
    sizes = _folders().sizes()
    _folders().clear()
    count = sum(h.entries for h in holdings) + len(sizes)
    nbytes = sum(h.nbytes for h in holdings) + sum(sizes.values())
    print(f"{count} results ({nbytes / 2**20:.1f} MiB) deleted from {store.folder}.")


def _store() -> Store:
    return Store(user_folder.results(), DEFAULT_BYTES)


def _folders() -> ArrayFolders:
    return ArrayFolders(user_folder.large_results(), DEFAULT_BYTES)


def _check(store: Store) -> None:
    if store.problem:
        raise DataError(store.problem)
