"""Folders and torchvision's CIFAR-10: which pictures, which labels, and what can't be read."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10 as TorchvisionCifar10

from convmixer_viz.errors import DataError
from convmixer_viz.presets.table import Transform
from convmixer_viz.training import data
from tests.unit.training.conftest import write_pictures

SMALL = Transform(16, "crop")


def test_splits_labels_and_pixels(pictures: Path) -> None:
    train, test = data.load(pictures, "train", SMALL), data.load(pictures, "test", SMALL)
    assert train.classes == test.classes == ("dark", "light")
    assert train.pixels.shape == (40, 3, 16, 16) and train.pixels.dtype == torch.uint8
    assert train.labels.tolist() == [0] * 20 + [1] * 20 and len(test) == 14
    brightness = train.pixels.float().mean((1, 2, 3))
    assert (brightness[:20] < 100).all() and (brightness[20:] > 140).all()


def test_val_is_a_test_split_and_train_alone_has_none(pictures: Path) -> None:
    (pictures / "test").rename(pictures / "val")
    assert len(data.find(pictures, "test")) == 14
    (pictures / "val").rename(pictures.parent / "away")
    with pytest.raises(DataError, match="no test/ or val/"):
        data.find(pictures, "test")


def test_a_folder_without_splits_holds_out_every_tenth(tmp_path: Path) -> None:
    write_pictures(tmp_path / "flat", 15, 0)
    train, test = (data.find(tmp_path / "flat", split) for split in ("train", "test"))
    assert (len(train), len(test)) == (26, 4)
    assert not set(train.sources) & set(test.sources)
    assert test.labels == [0, 0, 1, 1]
    assert len(data.labelled(tmp_path / "flat")) == 30


def test_unreadable_pictures_are_named_and_left_out(pictures: Path) -> None:
    (pictures / "train" / "dark" / "00.png").write_bytes(b"")
    (pictures / "train" / "light" / "03.png").write_bytes(b"no picture")
    loaded = data.load(pictures, "train", SMALL)
    assert len(loaded) == 38 and loaded.labels.tolist() == [0] * 19 + [1] * 19
    assert [name.split()[0] for name in loaded.unreadable] == ["dark/00.png", "light/03.png"]


def test_a_folder_of_ruins_is_refused(pictures: Path) -> None:
    for file in (pictures / "test").rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="can be read"):
        data.load(pictures, "test", SMALL)


@pytest.mark.parametrize(
    ("inside", "sentence"), [("", "holds no pictures"), ("train/empty", "holds no")]
)
def test_empty_folders_are_refused(tmp_path: Path, inside: str, sentence: str) -> None:
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    with pytest.raises(DataError, match=sentence):
        data.find(tmp_path, "train")


def test_a_class_without_pictures_is_named(pictures: Path) -> None:
    (pictures / "train" / "odd").mkdir()
    with pytest.raises(DataError, match="no picture in odd"):
        data.find(pictures, "train")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    for look in (lambda p: data.find(p, "train"), data.labelled):
        with pytest.raises(DataError, match="no folder"):
            look(tmp_path / "gone")


def test_torchvisions_cifar10_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TorchvisionCifar10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(TorchvisionCifar10, "test_list", [["test_batch", ""]])
    rows = np.random.default_rng(0).integers(0, 256, (12, 3072)).astype(np.uint8)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    batch = {"data": rows, "labels": [*range(10), 3, 4]}
    (folder / "test_batch").write_bytes(pickle.dumps(batch))
    names = [f"class {number}" for number in range(10)]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    loaded = data.load(tmp_path, "test", Transform(32, "crop"))
    assert np.array_equal(loaded.pixels.numpy(), rows.reshape(-1, 3, 32, 32))
    assert loaded.labels.tolist() == batch["labels"] and loaded.classes == tuple(names)


def test_a_cifar10_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match="not whole"):
        data.find(tmp_path, "train")


def test_shares_cover_everything_once(pictures: Path) -> None:
    listing = data.find(pictures, "test")
    shares = [listing.share(number, 3) for number in range(3)]
    assert sorted(len(share) for share in shares) == [4, 5, 5]
    assert {file for share in shares for file in share.sources} == set(listing.sources)
