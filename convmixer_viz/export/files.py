"""A result as files (npz, json, csv and a self-contained html), written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from convmixer_viz import catalog
from convmixer_viz.contract import Provenance, Result, columns, plain
from convmixer_viz.errors import DataError, VizError
from convmixer_viz.export import html

SCHEMA = 1
RECORD = "record.json"  # its name among a packed result's arrays: no field can have it


def arrays(result: Result) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays by field name."""
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def record(result: Result) -> dict[str, Any]:
    """Everything but the arrays: plain fields, provenance, schema version."""
    names = arrays(result).keys()
    plain = {
        field.name: getattr(result, field.name)
        for field in fields(result)
        if field.name not in names and field.name != "provenance"
    }
    provenance = asdict(result.provenance) if result.provenance else None
    return {"schema": SCHEMA, "provenance": provenance, "fields": plain}


def json_text(result: Result) -> str:
    """The record as JSON."""
    return json.dumps(record(result), indent=1, default=plain)


def npz_bytes(result: Result) -> bytes:
    """The arrays as a compressed npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays(result))
    return buffer.getvalue()


def csv_text(result: Result) -> str:
    """The result's table as csv."""
    rows = result.rows()
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns(rows))
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def contents(result: Result) -> dict[str, bytes]:
    """File name → bytes: <command>.npz, .json, .csv and .html, and pictures where its figures make
    any."""
    row = catalog.row_of(result)
    stem = row.name
    return row.extra_files(result) | {
        f"{stem}.npz": npz_bytes(result),
        f"{stem}.json": json_text(result).encode(),
        f"{stem}.csv": csv_text(result).encode(),
        f"{stem}.html": html.page(result).encode(),
    }


def save(result: Result, folder: Path) -> list[Path]:
    """Write the files into a folder, all or none."""
    return write(contents(result), folder)


def write(contents: dict[str, bytes], folder: Path) -> list[Path]:
    """Write all files into a folder, or none: each is complete before the first is put in place."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as staging:
            for name, content in contents.items():
                (Path(staging) / name).write_bytes(content)
            for name in contents:
                (Path(staging) / name).replace(folder / name)
    except OSError as error:
        raise DataError(
            f"{folder} can't be written ({os.strerror(error.errno or 0)}): choose another --out."
        ) from error
    return [folder / name for name in contents]


def load(folder: Path, analysis: str | None = None) -> Any:
    """Read back an analysis's result, or the one result in a folder."""
    names = [catalog.find(analysis).name] if analysis else _results_in(folder)
    if len(names) != 1:
        several = f" ({', '.join(names)}): name one of them" if names else ": name another folder"
        raise DataError(f"{folder} holds {len(names)} results{several}.")
    path = folder / f"{names[0]}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        with path.with_suffix(".npz").open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            arrays = {name: archive[name] for name in archive.files}
        return _result(record, arrays)
    except VizError:
        raise
    except Exception as error:  # parsers may raise anything over foreign bytes
        raise DataError(f"{path} can't be read as a result ({error}): delete it.") from error


def packed(result: Result) -> bytes:
    """A whole result as one npz file: its arrays, and its record as bytes of JSON."""
    text = np.frombuffer(json_text(result).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays(result), **{RECORD: text})
    return buffer.getvalue()


def unpacked(content: bytes) -> Any:
    """The result that packed() made into bytes."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        values = {name: archive[name] for name in archive.files}
    return _result(json.loads(values.pop(RECORD).tobytes()), values)


def _results_in(folder: Path) -> list[str]:
    """The analyses whose results a folder holds."""
    return [path.stem for path in sorted(folder.glob("*.json")) if path.stem in catalog.ANALYSES]


def _result(record: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if record["schema"] != SCHEMA:
        raise DataError(f"This result has schema {record['schema']}, this version reads {SCHEMA}.")
    provenance = record["provenance"]
    row = catalog.find(provenance["analysis"])
    provenance |= {name: tuple(provenance[name]) for name in ("images", "halved_to")}
    provenance["options"] = _tuples(provenance["options"])
    plain = _tuples(record["fields"])
    return row.result_type(**plain, **arrays, provenance=Provenance(**provenance))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON knows only lists; our plain fields are tuples."""
    return {name: _tuple(value) for name, value in values.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
