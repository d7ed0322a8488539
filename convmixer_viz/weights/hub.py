"""Published weights in the Hugging Face hub's cache: find, fetch and delete them.

A process of its own (download.py) fetches: it can be cancelled at any moment, and nothing that it
brings is used before it is verified.
"""

from __future__ import annotations

import atexit
import contextlib
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
from convmixer_viz.presets.table import PRESETS, Preset, Published
from convmixer_viz.weights import user_folder

WEIGHTS_FILE = "model.safetensors"
DOWNLOAD_MODULE = "convmixer_viz.weights.download"
STALL_SECONDS = 60.0  # without a byte, until the fetch is given up
POLL_SECONDS = 0.25  # until the same step comes again, so that a page can react


def cached_file(preset: Preset) -> Path | None:
    """A preset's file in the hub's cache, None where no whole one is there. The hub's client
    documents the layout."""
    if preset.published is None:
        return None
    repository = repository_folder(preset.published)
    try:
        commit = (repository / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None
    pointer = repository / "snapshots" / commit / WEIGHTS_FILE
    return pointer if re.fullmatch(r"\w+", commit) and pointer.is_file() else None


def checked_file(preset: Preset) -> Path | None:
    """The same, None where its sha256 isn't the one that it is named after: what no check has seen,
    since a kill came before it, is never used. A cache without links has no such names."""
    pointer = cached_file(preset)
    if pointer is None:
        return None
    promised = promised_sha256(pointer)
    return pointer if promised in (None, user_folder.sha256(pointer.resolve())) else None


def promised_sha256(pointer: Path) -> str | None:
    """The sha256 that a blob of the cache is named after."""
    blob = pointer.readlink().name if pointer.is_symlink() else ""
    return blob if re.fullmatch(r"[0-9a-f]{64}", blob) else None


def sweep(age: float) -> None:
    """Delete halves of published files that nothing has written to for `age` seconds."""
    published = (preset.published for preset in PRESETS.values() if preset.published)
    for blobs in (repository_folder(row) / "blobs" for row in published):
        for path in blobs.glob("*.incomplete"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime >= age:
                    path.unlink()


def begun_bytes(preset: Preset) -> int:
    """Bytes of a preset's file that a stopped fetch has left: the next one goes on from there."""
    halves = (path for path in _incomplete(preset) if "." not in path.stem)
    return max((path.stat().st_size for path in halves if path.exists()), default=0)


def manual_hint(preset: Preset) -> str:
    """How to bring the file without the hub's client: the second half of a sentence."""
    published = preset.published
    assert published is not None
    return (
        f"or bring {WEIGHTS_FILE} of {published.hub}, {published.authors_file} or "
        f"{published.openmmlab_file} by hand: convmixer-viz models add FILE --as {preset.name}"
    )


def check_openmmlab_digest(file: Path, preset: Preset | None) -> None:
    """OpenMMLab's file names end in the first eight characters of the sha256: a file under the
    name of a preset's must have that digest."""
    if preset is None or preset.published is None or file.name != preset.published.openmmlab_file:
        return
    expected, actual = file.stem.rsplit("-", 1)[1], user_folder.sha256(file)
    if not actual.startswith(expected):
        raise WeightsError(
            f"{file.name} is damaged: its sha256 begins with {actual[:8]}, not {expected}; "
            "download it again."
        )


def fetch(preset: Preset) -> Steps[Any]:
    """Steps in bytes; the last one has the verified file. They come every POLL_SECONDS, and
    the process goes on by itself between them; close the iterator to stop: what has come stays, and
    the next fetch goes on from there."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", DOWNLOAD_MODULE, preset.name, str(cache_folder())],
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        atexit.register(process.terminate)
        try:
            with output.open(encoding="utf-8", errors="replace") as lines:
                yield from _watch(process, lines, preset)
        finally:
            _end(process)
            atexit.unregister(process.terminate)


def delete_cached(preset: Preset) -> None:
    """Delete a preset's file from the hub's cache."""
    pointer = cached_file(preset)
    if pointer is None:
        return
    folder, chain = cache_folder().resolve(), [pointer]
    while chain[-1].is_symlink():
        chain.append(chain[-1].parent / chain[-1].readlink())
    try:
        for path in chain:
            if path.parent.resolve().is_relative_to(folder):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(
            f"{preset.name} can't be removed ({error.strerror}): check the permissions of {folder}."
        ) from error


def _watch(process: subprocess.Popen[bytes], lines: IO[str], preset: Preset) -> Iterator[Step[Any]]:
    step: Step[Any] = Step(0, _expected_bytes(preset))
    last_line, last_change, incomplete = "", time.monotonic(), 0
    while True:
        ended = process.poll() is not None
        for line in lines:  # written since the last look
            last_line, message = line.strip()[:200], _parse(line)
            if "error" in message:
                raise WeightsError(message["error"])
            if "path" in message:
                file = Path(message["path"])
                yield Step(file.stat().st_size, file.stat().st_size, file)
                return
            if "done" in message:
                step = Step(min(message["done"], message["total"]), message["total"])
                last_change = time.monotonic()
        if ended:
            ending = f"The fetch ended without a word ({last_line})"
            raise WeightsError(f"{ending}: {manual_hint(preset)}.")
        now = _bytes_of(_incomplete(preset))
        if now != incomplete:  # another process may fetch the same
            incomplete, last_change = now, time.monotonic()
        if time.monotonic() - last_change > STALL_SECONDS:
            sentence = f"Nothing has come for {STALL_SECONDS:g} seconds: try again later"
            raise WeightsError(f"{sentence}, {manual_hint(preset)}.")
        yield step
        time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _parse(line: str) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}  # a warning of the hub's client
    return message if isinstance(message, dict) else {}


def cache_folder() -> Path:
    """The hub client's own cache folder."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repository_folder(published: Published) -> Path:
    """The folder of a published file's repository in the hub's cache."""
    return cache_folder() / f"models--{published.hub.replace('/', '--')}"


def _incomplete(preset: Preset) -> Iterator[Path]:
    assert preset.published is not None
    return (repository_folder(preset.published) / "blobs").glob("*.incomplete")


def _bytes_of(paths: Iterator[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def _expected_bytes(preset: Preset) -> int:
    assert preset.published is not None
    return preset.published.megabytes * 10**6
