"""A result as files (npz, json, csv and a self-contained html), written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from convmixer_viz import catalog, disk
from convmixer_viz.contract import Provenance, Result, columns, plain
from convmixer_viz.errors import DataError
from convmixer_viz.export import html, records

SCHEMA = 1
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # how cells begin that spreadsheets compute
NPZ_SHA256 = "npz_sha256"  # in a record: of the npz file beside it
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


def json_text(result: Result, npz: bytes | None = None) -> str:
    """The record as JSON, with the sha256 of the npz file that belongs to it."""
    digest = hashlib.sha256(npz_bytes(result) if npz is None else npz).hexdigest()
    return _json(record(result) | {NPZ_SHA256: digest})


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=1, default=plain)


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
    writer.writerows([{name: _cell(value) for name, value in row.items()} for row in rows])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    """A value for a table: no text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def contents(result: Result) -> dict[str, bytes]:
    """File name → bytes: pictures where its figures make any, <command>.csv, .html, .npz, and last
    the .json that vouches for the arrays."""
    row = catalog.row_of(result)
    stem, npz = row.name, npz_bytes(result)
    return row.extra_files(result) | {
        f"{stem}.csv": csv_text(result).encode(),
        f"{stem}.html": html.page(result).encode(),
        f"{stem}.npz": npz,
        f"{stem}.json": json_text(result, npz).encode(),
    }


def save(result: Result, folder: Path) -> list[Path]:
    """Write the files into a folder, all or none."""
    return write(contents(result), folder)


def write(contents: dict[str, bytes], folder: Path) -> list[Path]:
    """Write all files into a folder, or none: each is complete before the first is put in place,
    which they are in their order."""
    try:
        return disk.write(contents, folder)
    except OSError as error:
        raise DataError(
            f"{folder} can't be written ({os.strerror(error.errno or 0)}): choose another --out."
        ) from error


def load(folder: Path, analysis: str | None = None, *, vouched: bool = False) -> Any:
    """Read back an analysis's result, or the one result in a folder. `vouched`: refuse one whose
    record doesn't say which arrays are its own, as those of earlier versions don't."""
    names = [catalog.find(analysis).name] if analysis else _results_in(folder)
    if len(names) != 1:
        several = f" ({', '.join(names)}): name one of them" if names else ": name another folder"
        raise DataError(f"{folder} holds {len(names)} results{several}.")
    path = folder / f"{names[0]}.json"
    try:
        return read(path.read_bytes(), path.with_suffix(".npz").read_bytes(), vouched=vouched)
    except (OSError, records.DamagedError) as error:
        raise DataError(f"{path} can't be read as a result ({error}): delete it.") from error


def read(
    record: bytes, npz: bytes, *, vouched: bool = False, limit: int = records.MOST_ARRAYS
) -> Any:
    """The result of a record and its arrays, whoever wrote them; `limit` bounds the arrays' bytes,
    `vouched` as in load()."""
    values = records.parse(record)
    if not isinstance(values, dict):
        raise records.DamagedError("its record is no object")
    digest = values.pop(NPZ_SHA256, None)
    if (digest is None and vouched) or digest not in (None, hashlib.sha256(npz).hexdigest()):
        raise records.DamagedError("its arrays aren't those of its record")
    return _result(values, records.arrays(npz, limit))


def record_text(result: Result) -> bytes:
    """All of a result but its arrays."""
    return _json(record(result)).encode()


def rebuilt(record: bytes, arrays: records.Arrays) -> Any:
    """The result of a record and its arrays, which stay where they are."""
    return _result(records.parse(record), arrays)


def packed(result: Result) -> bytes:
    """A whole result as one npz file: its arrays, and its record as bytes of JSON."""
    text = np.frombuffer(record_text(result), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays(result), **{RECORD: text})
    return buffer.getvalue()


def unpacked(content: bytes) -> Any:
    """The result that packed() made into bytes."""
    values = records.arrays(content)
    return _result(records.parse(values.pop(RECORD).tobytes()), values)


def _results_in(folder: Path) -> list[str]:
    """The analyses whose results a folder holds."""
    return [path.stem for path in sorted(folder.glob("*.json")) if path.stem in catalog.ANALYSES]


def _result(values: dict[str, Any], arrays: records.Arrays) -> Any:
    """A result from its record and its arrays."""
    if values.get("schema") != SCHEMA:
        schema = f"{values.get('schema')!r:.20}"
        raise DataError(f"This result has schema {schema}, this version reads {SCHEMA}.")
    provenance = records.build(Provenance, values.get("provenance"))
    options = {name: _tuple(value) for name, value in provenance.options.items()}
    provenance = replace(provenance, options=options)
    row, plain = catalog.find(provenance.analysis), values.get("fields")
    if not isinstance(plain, dict) or {"provenance", *arrays} & plain.keys():
        raise records.DamagedError("its record has no fields of its own")
    return records.build(row.result_type, plain | arrays | {"provenance": provenance})


def _tuple(option: Any) -> Any:
    """JSON knows only lists; options are scalars and tuples of them."""
    return tuple(option) if isinstance(option, list) else option
