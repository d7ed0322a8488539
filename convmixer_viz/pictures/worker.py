"""Processes that decode what strangers send (python -m convmixer_viz.pictures.worker).

They load no torch, are kept warm, and are two at most. A picture that takes more processor time or
memory than a picture needs ends its process and becomes one sentence; the next gets a new one. The
server keeps the file's bytes and what the process gives back, never the decoded picture. Where a
system has no such limits (Windows), only the clock ends a picture, after WALL_SECONDS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.errors import BusyError, PictureError
from convmixer_viz.pictures.decode import Picture, decode, small
from convmixer_viz.pictures.edits import edit_original
from convmixer_viz.pictures.prepare import Cut, cut_out
from convmixer_viz.questions.picture_edits import OriginalEdit, PictureEdit, parse

MODULE = "convmixer_viz.pictures.worker"
MOST = 2  # processes
PROCESSOR_SECONDS = 5  # of one picture
WALL_SECONDS = 60.0
MEMORY = 3 * 2**30  # bytes of one process; 64 million pixels took 2 GiB
PREVIEW = 320  # px, the width of what people see of an upload
PATIENCE = 60.0  # seconds that a picture waits for those before it
TICK = 0.25  # seconds between two looks at whether anybody still waits
REMEMBERED = 64 * 2**20  # bytes of the last picture's pixels, which is often asked for again
MOST_FACTS = 2**16  # bytes of an answer's first line

Gone = Callable[[], bool]


def nobody_left() -> bool:
    """Somebody waits to the end."""
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """The pixels of a file that a stranger sent, decoded elsewhere each time they are needed."""

    name: str
    file: bytes
    preview: NDArray[np.uint8]  # (h, w, 3), at most PREVIEW wide

    def view(self, cut: Cut, edits: Sequence[PictureEdit] = ()) -> NDArray[np.uint8]:
        """(side, side, 3): the picture, with the edits of the original, resized and cut as a preset
        sees it."""
        made = [str(edit) for edit in edits if isinstance(edit, OriginalEdit)]
        return _ask({"name": self.name, "cut": cut, "edits": made}, self.file).pixels


def look(file: bytes, name: str, gone: Gone = nobody_left) -> Picture:
    """A picture out of a file that a stranger sent; a PictureError says what is wrong with it.
    Once `gone` says so, nobody waits any longer, and its process is ended."""
    facts, pixels = _ask({"name": name, "cut": None}, file, gone)
    return Picture(
        name,
        str(facts["sha256"]),
        int(facts["width"]),
        int(facts["height"]),
        Upload(name, file, pixels),
        tuple(map(str, facts["notes"])),
    )


class Answer(NamedTuple):
    """What a process says of a picture."""

    facts: dict[str, Any]
    pixels: NDArray[np.uint8]  # (h, w, 3)


# in the server


class _Process:
    """A process that decodes one picture after another."""

    def __init__(self) -> None:
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(PROCESSOR_SECONDS), str(MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | path,
        )

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: dict[str, Any], file: bytes, gone: Gone) -> Answer:
        """The answer; an OSError, EOFError or ValueError where the process was ended."""
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done, gone))
        watcher.start()
        try:
            assert self._process.stdin is not None and self._process.stdout is not None
            _write(self._process.stdin, question | {"bytes": len(file)}, file)
            return _read(self._process.stdout)
        finally:
            done.set()
            watcher.join()

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        with self._process:  # closes the pipes, and waits
            pass

    def _watch(self, done: threading.Event, gone: Gone) -> None:
        deadline = time.monotonic() + WALL_SECONDS
        while not done.wait(TICK):
            if gone() or time.monotonic() > deadline:
                self._process.kill()
                return


_turns = threading.BoundedSemaphore(MOST)
_idle: list[_Process] = []  # warm


def _ask(question: dict[str, Any], file: bytes, gone: Gone = nobody_left) -> Answer:
    if not _turns.acquire(timeout=PATIENCE):
        raise BusyError("Other pictures are being read: try again in a minute.")
    try:
        answer = _answered(question, file, gone)
    finally:
        _turns.release()
    if "error" in answer.facts:
        raise PictureError(str(answer.facts["error"]))
    return answer


def _answered(question: dict[str, Any], file: bytes, gone: Gone) -> Answer:
    process = _idle.pop() if _idle else _Process()
    if not process.lives:
        process.end()
        process = _Process()
    try:
        answer = process.ask(question, file, gone)
    except (OSError, EOFError, ValueError) as error:
        process.end()
        raise PictureError(
            f"{question['name']} takes more than {PROCESSOR_SECONDS} seconds or {MEMORY >> 30} GiB "
            "to read: open it in an image program and save it as a plain PNG or JPEG."
        ) from error
    except BaseException:
        process.end()
        raise
    _idle.append(process)
    return answer


def _write(pipe: IO[bytes], head: dict[str, Any], body: bytes) -> None:
    pipe.write(json.dumps(head).encode() + b"\n")
    pipe.write(body)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Answer:
    facts = json.loads(pipe.readline(MOST_FACTS))
    height, width = facts["shape"]
    pixels = pipe.read(height * width * 3)
    return Answer(facts, np.frombuffer(pixels, np.uint8).reshape(height, width, 3))


# in the process


def main(processor_seconds: int, memory: int) -> None:
    """Answer until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # decoders may print
    _limit_memory(memory)
    last = _Last()
    while line := sys.stdin.buffer.readline():
        question = json.loads(line)
        file = sys.stdin.buffer.read(question["bytes"])
        _allow(processor_seconds)
        facts, pixels = _answer(question, file, last)
        _write(answers, facts | {"shape": pixels.shape[:2]}, pixels.tobytes())


class _Last:
    """The last picture, if it is of moderate size: to see it is to be asked for its view."""

    def __init__(self) -> None:
        self._file = b""
        self._picture: Picture | None = None

    def decode(self, file: bytes, name: str) -> Picture:
        if self._picture is None or file != self._file:
            picture = decode(file, name)
            keep = picture.pixels.nbytes <= REMEMBERED
            self._file, self._picture = (file, picture) if keep else (b"", None)
            return picture
        return self._picture


def _answer(question: dict[str, Any], file: bytes, last: _Last) -> Answer:
    try:
        picture = last.decode(file, question["name"])
        if question["cut"]:
            pixels = edit_original(picture.pixels, map(parse, question["edits"]))
            return Answer({}, cut_out(pixels, Cut(*question["cut"])))
        preview = small(picture.pixels, PREVIEW)
    except PictureError as error:
        return Answer({"error": str(error)}, np.empty((0, 0, 3), np.uint8))
    except MemoryError:
        sentence = f"{question['name']} takes more memory than a picture needs: scale it first."
        return Answer({"error": sentence}, np.empty((0, 0, 3), np.uint8))
    facts = {"sha256": picture.sha256, "width": picture.width, "height": picture.height}
    return Answer(facts | {"notes": picture.notes}, preview)


def _limit_memory(memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _allow(seconds: int) -> None:
    """So much processor time from here on; then the system ends this process."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
