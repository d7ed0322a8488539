"""The process that reads weights of strangers (python -m convmixer_viz.weights.worker FOLDER).

It loads torch, verifies one file and ends; limits of processor time, memory and bytes written end
it before. Where a system has no such limits (Windows), only the clock does: a file may then take
the machine's memory for WALL_SECONDS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from convmixer_viz.errors import BusyError, ChoiceError, WeightsError
from convmixer_viz.weights.candidate import Candidate, Verification

MODULE = "convmixer_viz.weights.worker"
REQUEST, ANSWER = "request.json", "answer.json"
PROCESSOR_SECONDS = 60  # 1536/20 (207 MB) took 7, torch's import among them
WALL_SECONDS = 240.0
MEMORY = 3 * 2**30  # bytes; the same took 1.5 GiB
MAX_ANSWER = 4 * 2**20  # bytes
PATIENCE = 60.0  # seconds that a file waits for the one before it
_turn = threading.Lock()


def verify(candidate: Candidate, folder: Path) -> Verification:
    """`verification.verify` in a process of its own, one at a time; a BusyError, a WeightsError or
    a ChoiceError says why not."""
    if not _turn.acquire(timeout=PATIENCE):
        raise BusyError("Other weights are being read: try again in a minute.")
    try:
        (folder / REQUEST).write_text(json.dumps(asdict(candidate)), "utf-8")
        status = _run(folder)
    finally:
        _turn.release()
    answer = _answer(folder / ANSWER)
    if "error" in answer:
        kind = ChoiceError if answer.get("kind") == "ChoiceError" else WeightsError
        raise kind(str(answer["error"]))
    if status != 0 or "verified" not in answer:
        raise WeightsError(
            f"{Path(candidate.file).name} takes too much to read: more than {PROCESSOR_SECONDS} "
            f"seconds or {MEMORY / 2**30:.0f} GiB, as no ConvMixer does."
        )
    fields = answer["verified"]
    return Verification(
        str(fields["record"]),
        int(fields["class_count"]),
        str(fields["origin_sha256"]),
        tuple(map(str, fields["assumed"])),
    )


def main(folder: Path, processor_seconds: int, memory: int) -> None:
    """The process: what the folder's request asks for; the answer lies beside it at the end."""
    _limit(processor_seconds, memory)
    from convmixer_viz.weights import verification  # not before the limits: torch

    candidate = Candidate(**json.loads((folder / REQUEST).read_text("utf-8")))
    try:
        answer: dict[str, Any] = {"verified": asdict(verification.verify(candidate, folder))}
    except (ChoiceError, WeightsError) as error:
        answer = {"error": str(error), "kind": type(error).__name__}
    (folder / ANSWER).write_text(json.dumps(answer), "utf-8")


def _limit(processor_seconds: int, memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    limits = (
        (resource.RLIMIT_CPU, processor_seconds),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, memory),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in limits:
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard),) * 2)


def _run(folder: Path) -> int:
    """Start the process and wait for its end; returns how it ended."""
    alone = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, str(folder), str(PROCESSOR_SECONDS), str(MEMORY)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | alone | path,
    )
    try:
        return process.wait(WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return -1
    finally:
        process.kill()
        process.wait()


def _answer(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            answer = json.loads(file.read(MAX_ANSWER))
    except (OSError, ValueError):
        return {}  # it was ended
    return answer if isinstance(answer, dict) else {}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
