"""Hostile files, read in a process of their own: one sentence each, nothing runs, little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import hostile
from tests.unit.weights.conftest import STATE

MEASURE = """
import json, resource, sys
from convmixer_viz.weights import checkpoint
from convmixer_viz.errors import WeightsError

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, errors = peak(), {}
for name, path in json.loads(sys.argv[1]).items():
    try:
        checkpoint.read(path)
    except WeightsError as error:
        errors[name] = [str(error), peak() - before]
print(json.dumps(errors))
"""


class Refusals(NamedTuple):
    """What became of the hostile files, by name."""

    expected: dict[str, str]  # part of the sentence
    errors: dict[str, tuple[str, float]]  # the sentence, MiB taken
    marker: Path  # exists where any of their code ran


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """All hostile files read in one process of their own."""
    folder = tmp_path_factory.mktemp("hostile")
    marker = folder / "it ran"
    files = hostile.files(folder, STATE, marker)
    paths = json.dumps({name: str(path) for name, (path, _) in files.items()})
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, paths], capture_output=True, text=True, check=True
    )
    expected = {name: sentence for name, (_, sentence) in files.items()}
    return Refusals(expected, json.loads(done.stdout), marker)


def test_every_hostile_file_is_refused_in_one_sentence(refusals: Refusals) -> None:
    assert len(refusals.expected) >= 8 and set(refusals.errors) == set(refusals.expected)
    for name, expected in refusals.expected.items():
        sentence = refusals.errors[name][0]
        assert expected in sentence and sentence.endswith((".", ")")) and "\n" not in sentence


def test_nothing_ran(refusals: Refusals) -> None:
    assert not refusals.marker.exists()


def test_memory_stays_small(refusals: Refusals) -> None:
    assert max(taken for _, taken in refusals.errors.values()) < 200  # MiB; the issue allows 1024
