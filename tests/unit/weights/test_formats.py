"""Damaged and hostile files: one sentence each, and nothing runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights import checkpoint, formats
from tests import hostile
from tests.conftest import TINY, calibrated

STATE = calibrated(TINY).state_dict()


def test_the_marker_would_appear_if_the_pickle_ran(tmp_path: Path) -> None:
    import pickle

    pickle.loads(pickle.dumps(hostile.Runs(f"touch {tmp_path}/marker")))
    assert (tmp_path / "marker").exists()


def test_without_our_own_look_torch_refuses_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "it ran"
    path = hostile.files(tmp_path, STATE, marker)["a pickle that runs code"][0]
    monkeypatch.setattr(formats, "_check_pickle", lambda *_: None)
    with pytest.raises(WeightsError, match="damaged"):
        checkpoint.read(path)
    assert not marker.exists()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["torch", "old", "safetensors"])
def test_every_cut_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "file"
    if kind == "safetensors":
        safetensors.torch.save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=kind == "torch")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="cut off or damaged"):
        checkpoint.read(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    sentences = {
        "none": "no weights file",
        ".": "is a folder",
        "pipe": "no weights file",
        "dangling": "is a link",
        "loop": "is a link",
        "a\0b": "no weights file|can't be read",
    }
    for name, sentence in sentences.items():
        with pytest.raises(WeightsError, match=sentence):
            checkpoint.read(tmp_path / name)


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(formats.MAX_BYTES + 1)  # sparse: no disk is taken
    with pytest.raises(WeightsError, match="1 GiB is the limit"):
        checkpoint.read(tmp_path / "large")


def test_a_whole_pickled_model_says_how_to_save_it(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(WeightsError, match=r"torch\.nn\.modules\.linear\.Linear.*state_dict\(\)"):
        checkpoint.read(tmp_path / "model.pth")
