"""Published weights in the hub's cache, and a process that fetches them (download.py): it can be
cancelled at any moment, and nothing that it brings is used before it is verified."""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from convmixer_viz.contract import Step, Steps
from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import Preset, Published
from convmixer_viz.weights import user_folder

FILE = "model.safetensors"
PROCESS = "convmixer_viz.weights.download"
STALL = 60.0  # seconds without a byte until the fetch is given up
PATIENCE = 0.25  # seconds until the same step comes again, so that a page can react


def cached(preset: Preset) -> Path | None:
    """The file in the hub's cache, where a whole one is there; the layout is documented."""
    if preset.published is None:
        return None
    repository = _repository(preset.published)
    try:
        commit = (repository / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None
    pointer = repository / "snapshots" / commit / FILE
    return pointer if re.fullmatch(r"\w+", commit) and pointer.is_file() else None


def by_hand(preset: Preset) -> str:
    """How to bring the file without the hub's client."""
    published = preset.published
    assert published is not None
    return (
        f"or bring {FILE} of {published.hub}, {published.authors_file} or "
        f"{published.openmmlab_file} by hand: convmixer-viz models add FILE --as {preset.name}"
    )


def check_name(file: Path, preset: Preset | None) -> None:
    """OpenMMLab's names end in the first eight characters of the sha256: hold a file to its own."""
    if preset is None or preset.published is None or file.name != preset.published.openmmlab_file:
        return
    expected, found = file.stem.rsplit("-", 1)[1], user_folder.sha256(file)
    if not found.startswith(expected):
        raise WeightsError(
            f"{file.name} is damaged: its sha256 begins with {found[:8]}, not {expected}; "
            "download it again."
        )


def fetch(preset: Preset) -> Steps[Any]:
    """Steps in bytes; the last one has the verified file. They come every PATIENCE seconds, and
    the process goes on by itself between them; close the iterator to cancel."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told")
        with told.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", PROCESS, preset.name, str(cache())],
                stdout=sink, stderr=subprocess.STDOUT, start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip
        atexit.register(process.terminate)
        try:
            with told.open(encoding="utf-8", errors="replace") as lines:
                yield from _follow(process, lines, preset)
        finally:
            _end(process)
            atexit.unregister(process.terminate)


def discard(preset: Preset) -> None:
    """Remove a preset's file from the hub's cache."""
    pointer = cached(preset)
    if pointer is None:
        return
    inside = cache().resolve()
    steps = [pointer]
    while steps[-1].is_symlink():
        steps.append(steps[-1].parent / steps[-1].readlink())
    for step in steps:
        if step.parent.resolve().is_relative_to(inside):
            step.unlink(missing_ok=True)


def _follow(
    process: subprocess.Popen[bytes], lines: IO[str], preset: Preset
) -> Iterator[Step[Any]]:
    step: Step[Any] = Step(0, _expected(preset))
    last_word, moved, arriving = "", time.monotonic(), 0
    while True:
        ended = process.poll() is not None
        for line in lines:  # what was told since the last look
            last_word, said = line.strip()[:200], _parse(line)
            if "error" in said:
                raise WeightsError(said["error"])
            if "path" in said:
                file = Path(said["path"])
                yield Step(file.stat().st_size, file.stat().st_size, file)
                return
            if "done" in said:
                step, moved = (
                    Step(min(said["done"], said["total"]), said["total"]),
                    time.monotonic(),
                )
        if ended:
            raise WeightsError(f"The fetch ended without a word ({last_word}): {by_hand(preset)}.")
        if (now := _arriving(preset)) != arriving:  # another process may be fetching the same file
            arriving, moved = now, time.monotonic()
        if time.monotonic() - moved > STALL:
            sentence = f"Nothing has come for {STALL:g} seconds: try again later"
            raise WeightsError(f"{sentence}, {by_hand(preset)}.")
        yield step
        time.sleep(PATIENCE)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _parse(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}  # a warning of the hub's client
    return said if isinstance(said, dict) else {}


def cache() -> Path:
    """The hub client's own cache folder."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _repository(published: Published) -> Path:
    return cache() / f"models--{published.hub.replace('/', '--')}"


def _arriving(preset: Preset) -> int:
    assert preset.published is not None
    blobs = (_repository(preset.published) / "blobs").glob("*.incomplete")
    return sum(path.stat().st_size for path in blobs if path.exists())


def _expected(preset: Preset) -> int:
    assert preset.published is not None
    return preset.published.megabytes * 10**6
