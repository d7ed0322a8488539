"""Strangers' weights are read in a process of its own: as a file of one's own is, or ended."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from convmixer_viz.errors import BusyError, WeightsError
from convmixer_viz.weights import collection, user_folder, worker
from tests import hostile
from tests.unit.weights.conftest import STATE, torch_file


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of this test's own."""
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))


def test_an_upload_is_kept_as_a_file_is(tmp_path: Path) -> None:
    file = torch_file(tmp_path, STATE)
    upload = collection.add_upload(file.read_bytes(), "up.pth", preprocess="cifar10-256-8")
    own = collection.add(file, name="own", preprocess="cifar10-256-8")
    assert upload.assumed == own.assumed and upload.preset.shape == own.preset.shape
    entries = user_folder.entries()
    assert entries["up"].origin == "up.pth"
    assert entries["up"].origin_sha256 == entries["own"].origin_sha256
    kept = [safetensors.torch.load_file(user_folder.weights_file(name)) for name in ("up", "own")]
    assert all(torch.equal(kept[0][name], tensor) for name, tensor in kept[1].items())
    assert list((tmp_path / "own" / "incoming").iterdir()) == []


def test_an_uploads_code_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    path, sentence = hostile.files(tmp_path, STATE, marker)["a pickle that runs code"]
    with pytest.raises(WeightsError, match=sentence):
        collection.add_upload(path.read_bytes(), path.name)
    assert not marker.exists() and user_folder.entries() == {}


@pytest.mark.parametrize(("limit", "most"), [("PROCESSOR_SECONDS", 1), ("MEMORY", 100 * 2**20)])
def test_what_takes_too_much_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(worker, limit, most)
    with pytest.raises(WeightsError, match=r"up\.pth takes too much to read: more than"):
        collection.add_upload(torch_file(tmp_path, STATE).read_bytes(), "up.pth")
    assert user_folder.entries() == {} and list((tmp_path / "own" / "incoming").iterdir()) == []


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 0.1)
    with worker._turn, pytest.raises(BusyError, match="try again in a minute"):
        collection.add_upload(torch_file(tmp_path, STATE).read_bytes(), "up.pth")
