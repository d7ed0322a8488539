"""Checkpoints with bytes changed at random: weights, or one short sentence."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
import safetensors.torch
import torch

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights import checkpoint
from tests.unit.weights.conftest import STATE

SEEDS = range(200)  # of which a third each is safetensors, torch's format, and its old one


def written(kind: int) -> bytes:
    """The tiny model's file in one of three formats."""
    if kind == 0:
        return safetensors.torch.save(STATE)
    buffer = io.BytesIO()
    torch.save(STATE, buffer, _use_new_zipfile_serialization=kind == 1)
    return buffer.getvalue()


FILES = [written(kind) for kind in range(3)]


def mutated(seed: int) -> bytes:
    """A file with a few bytes set, taken out, put in or doubled; most of them where names are."""
    draw = random.Random(seed)
    content = bytearray(FILES[seed % 3])
    for _ in range(draw.randint(1, 8)):
        end = len(content) if draw.random() < 0.3 else min(len(content), 4000)
        place, count = draw.randrange(end), draw.randint(1, 16)
        change = draw.randrange(4)
        if change == 0:
            content[place] = draw.randrange(256)
        elif change == 1:
            del content[place : place + count]
        elif change == 2:
            content[place:place] = draw.randbytes(count)
        else:
            content[place:place] = content[place : place + count]
    return bytes(content)


def try_one(path: Path, seed: int) -> str:
    """The sentence that refuses a mutated file; empty where it is read."""
    path.write_bytes(mutated(seed))
    try:
        checkpoint.read(path)
    except WeightsError as error:
        return str(error)
    return ""


def test_mutated_checkpoints_are_refused_in_a_sentence(tmp_path: Path) -> None:
    sentences = [try_one(tmp_path / "file", seed) for seed in SEEDS]
    refused = [sentence for sentence in sentences if sentence]
    assert len(refused) > 100
    for sentence in refused:
        assert len(sentence) < 400 and sentence.isprintable() and sentence.endswith(".")


@pytest.mark.long
def test_mutations_for_ten_minutes(tmp_path: Path) -> None:
    import time

    began, seed = time.monotonic(), len(SEEDS)
    while time.monotonic() - began < 590:
        sentence = try_one(tmp_path / "file", seed)
        assert len(sentence) < 400 and (not sentence or sentence.isprintable()), seed
        seed += 1
