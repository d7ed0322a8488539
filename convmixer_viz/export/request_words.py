"""What a person types to get a result's numbers again: in Python, on the command line, and as the
name of its files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from convmixer_viz import catalog
from convmixer_viz.contract import Result, option_fields
from convmixer_viz.pictures.gallery import GALLERY

REPEATED = {"edits": "edit", "picture_edits": "picture-edit"}  # their flags stand once for each
LONGEST = 60  # letters of a picture's name in a file's


def python(result: Result, pictures: Sequence[str]) -> str:
    """The call of Workbench.run; `pictures` are the names of gallery pictures, or of files."""
    source, sources = result.origin, [_source(name) for name in pictures]
    arguments = [repr(source.analysis), *([repr(sources)] if sources else [])]
    arguments += [f"{name}={value!r}" for name, value in _choices(result).items()]
    call = ",\n    ".join(arguments)
    return f"from convmixer_viz import Workbench\n\nresult = Workbench().run(\n    {call},\n)"


def command(result: Result, pictures: Sequence[str]) -> str:
    """The command that makes its files in the folder `out`."""
    words = ["convmixer-viz", result.origin.analysis, *map(_source, pictures)]
    for name, value in _choices(result).items():
        words += _flag(REPEATED.get(name, name.replace("_", "-")), value)
    return shlex.join([*words, "--out", "out"])


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, list):
        return [word for each in value for word in (f"--{name}", each)]
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def _choices(result: Result) -> dict[str, Any]:
    """Model, mode and device, then the options that aren't the analysis's defaults."""
    source, row = result.origin, catalog.row_of(result)
    defaults = {field.name: field.default for field in option_fields(row.options)}
    edits = list(next(iter(source.picture_edits), ()))
    model = {
        "preset": source.preset,
        "random": source.untrained_seed,
        "edits": list(source.edits) or None,
        "picture_edits": edits or None,
        "device": source.device,
        "mode": None if source.mode == "exact" else source.mode,
    }
    chosen = {name: value for name, value in source.options.items() if value != defaults[name]}
    return {name: value for name, value in (model | chosen).items() if value is not None}


def _source(name: str) -> str:
    return f"gallery:{name}" if name in GALLERY else name


def file_stem(result: Result, pictures: Sequence[str]) -> str:
    """Preset, picture and analysis, as the name of a file."""
    first, *others = pictures or [""]
    picture = f"{len(pictures)} pictures" if others else re.sub(r"\.\w+$", "", first)[:LONGEST]
    words = [result.origin.preset, picture, result.origin.analysis]
    return "-".join(re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words if word)
