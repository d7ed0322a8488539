"""Fetching data sets from a server that behaves like the real one, and that misbehaves."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from convmixer_viz import cli
from convmixer_viz.errors import DataError
from convmixer_viz.training import public_data
from convmixer_viz.weights import user_folder
from tests.hub_server import Hub, serving

CLASSES = ["cat", "dog"]
Capture = pytest.CaptureFixture[str]


def pixels(seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (4, 3072), np.uint8)


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels(seed)[0].reshape(32, 32, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def serve(monkeypatch: pytest.MonkeyPatch, hub: Hub, name: str, content: bytes) -> None:
    """Let a data set's archive be what the server has."""
    hub.content = content
    url = f"{hub.endpoint}/resolve/{name}.tgz"
    source = replace(public_data.PUBLIC[name], url=url, md5=hashlib.md5(content).hexdigest())
    monkeypatch.setitem(public_data.PUBLIC, name, source)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(b"") as server:
        yield server


@pytest.fixture
def cifar10(monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Hub:
    """A CIFAR-10 of two classes and eight pictures, with the checksums that belong to it."""
    batches = {
        "data_batch_1": {"data": pixels(0), "labels": [0, 1, 1, 0]},
        "test_batch": {"data": pixels(1), "labels": [1, 1, 0, 0]},
        "batches.meta": {"label_names": CLASSES},
    }
    files = {name: pickle.dumps(content) for name, content in batches.items()}
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    inside = {f"{CIFAR10.base_folder}/{name}": content for name, content in files.items()}
    serve(monkeypatch, hub, "cifar10", archive(inside))
    return hub


def fetch(name: str = "cifar10") -> Path:
    return public_data.fetch(name, lambda *_: None)


def leftovers(own_folder: Path) -> list[str]:
    return [path.name for path in (own_folder / "data" / ".archives").iterdir()]


@pytest.mark.usefixtures("cifar10")
def test_cifar10_is_a_folder_a_class_with_the_same_pixels(
    own_folder: Path, capsys: Capture
) -> None:
    assert cli.main(["data", "fetch", "cifar10"]) == 0
    folder = own_folder / "data" / "cifar10"
    truth = pixels(1).reshape(4, 3, 32, 32).transpose(0, 2, 3, 1)
    for number, label in enumerate([1, 1, 0, 0]):
        stored = Image.open(folder / "test" / CLASSES[label] / f"{number:05d}.png")
        assert np.array_equal(np.asarray(stored), truth[number])
    assert sorted(path.name for path in folder.iterdir()) == ["test", "train"]
    assert leftovers(own_folder) == []
    capsys.readouterr()
    assert cli.main(["data", "list"]) == 0
    listed = capsys.readouterr().out
    assert "cifar10/train" in listed and "cifar10/test" in listed
    assert cli.main(["data", "remove", "cifar10"]) == 0
    assert user_folder.fetched_data() == {}


def test_imagenette_is_a_folder_a_synset(
    own_folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [f"{part}/n{number:08d}" for part in ("train", "val") for number in range(2)]
    files = {f"imagenette2-320/{place}/{n}.png": png(n) for n, place in enumerate(places)}
    serve(monkeypatch, hub, "imagenette", archive(files))
    folder = fetch("imagenette")
    assert sorted(str(p.relative_to(folder)) for p in folder.glob("*/*")) == sorted(places)
    assert list(user_folder.fetched_data()) == ["imagenette/train", "imagenette/val"]


def test_a_second_fetch_asks_nobody(cifar10: Hub) -> None:
    fetch()
    asked = len(cifar10.ranges)
    fetch()
    assert len(cifar10.ranges) == asked


def test_a_download_that_broke_off_is_continued(own_folder: Path, cifar10: Hub) -> None:
    half = len(cifar10.content) // 2
    part = own_folder / "data" / ".archives" / "cifar10.tgz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(cifar10.content[:half])
    assert fetch().is_dir()
    assert cifar10.ranges == [f"bytes={half}-"]


@pytest.mark.parametrize("behaviour", ["a page instead", "wrong content", "always cut"])
def test_what_is_not_the_archive_is_one_sentence_and_used_for_nothing(
    own_folder: Path, cifar10: Hub, behaviour: str, capsys: Capture
) -> None:
    cifar10.behaviour = behaviour
    assert cli.main(["data", "fetch", "cifar10"]) == 2
    assert "error: cifar10 could not be fetched (" in capsys.readouterr().err
    assert not user_folder.fetched_data()
    assert leftovers(own_folder) in ([], ["cifar10.tgz.part"])
    cifar10.behaviour = "good"
    assert fetch().is_dir()


def test_the_rest_of_another_archive_is_thrown_away(own_folder: Path, cifar10: Hub) -> None:
    part = own_folder / "data" / ".archives" / "cifar10.tgz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"another archive's beginning")
    with pytest.raises(DataError, match="not the published archive, and was thrown away"):
        fetch()
    assert leftovers(own_folder) == []
    assert fetch().is_dir()


def test_a_cut_download_goes_on_where_it_was(cifar10: Hub) -> None:
    cifar10.behaviour = "cut once"
    with pytest.raises(DataError, match="broke off at"):
        fetch()
    assert fetch().is_dir()
    first, second = cifar10.ranges
    assert first == "bytes=0-" and second == f"bytes={len(cifar10.content) // 2}-"


def test_an_address_that_is_gone_is_one_sentence(
    cifar10: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = replace(public_data.PUBLIC["cifar10"], url=f"{cifar10.endpoint}/gone.tgz")
    monkeypatch.setitem(public_data.PUBLIC, "cifar10", gone)
    with pytest.raises(DataError, match=r"could not be fetched \(Not Found\): try again"):
        fetch()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(DataError, match="fetch cifar10 or imagenette"):
        fetch("mnist")
