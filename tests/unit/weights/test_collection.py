"""How a person's own weights come in and go, and that no name leads out of the folder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint, collection, hub, locate, user_folder, verification
from tests import hostile
from tests.conftest import TINY, calibrated
from tests.unit.weights.conftest import STATE, ship

pytestmark = pytest.mark.usefixtures("own_folders")
NAMES = [f"thing {i}" for i in range(10)]


def test_added_weights_are_a_preset_like_any_other(file: Path, tmp_path: Path) -> None:
    class_file = tmp_path / "names.txt"
    class_file.write_text("\n".join(NAMES))
    added = collection.add(
        file,
        name="mine",
        activation="relu",
        residual=False,
        preprocess="imagenette-256-8",
        class_file=class_file,
    )
    assert added.assumed == () and locate.all_presets()["mine"] == added.preset
    assert list(locate.all_presets()) == [*PRESETS, "mine"]
    assert added.preset.transform == PRESETS["imagenette-256-8"].transform
    assert added.preset.shape == replace(TINY.shape, activation="relu", residual=False)
    assert locate.class_names(added.preset) == tuple(NAMES)
    weights = checkpoint.read_as(locate.require_file(added.preset), added.preset)
    assert all(torch.equal(weights.state[name], tensor) for name, tensor in STATE.items())
    location = locate.location(added.preset)
    assert location.kind == "added" and location.origin.startswith("My Model v2.pth, added 20")
    assert (
        location.sha256
        == hashlib.sha256(locate.require_file(added.preset).read_bytes()).hexdigest()
    )
    entry = user_folder.entries()["mine"]
    assert entry.origin_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    assert locate.require_file(added.preset).is_file()


def test_a_name_comes_from_the_file_and_assumptions_are_said(file: Path) -> None:
    added = collection.add(file)
    assert added.preset.name == "my-model-v2" and len(added.assumed) == 3
    assert locate.class_names(added.preset) == tuple(map(str, range(10)))


def test_what_was_assumed_can_be_said_later(file: Path) -> None:
    assumed = collection.add(file, name="mine").preset
    mine = collection.correct("mine", activation="relu", preprocess="imagenette-256-8")
    assert mine == locate.all_presets()["mine"] and mine.shape != assumed.shape
    assert mine.shape == replace(assumed.shape, activation="relu")
    assert mine.transform == PRESETS["imagenette-256-8"].transform
    weights = checkpoint.read_as(locate.require_file(mine), mine)
    assert all(torch.equal(weights.state[name], tensor) for name, tensor in STATE.items())
    entry = user_folder.entries()["mine"]
    assert entry.assumed == () and entry.origin == file.name
    with pytest.raises(ChoiceError, match="no preset of your own"):
        collection.correct("cifar10-256-8", activation="relu")


def test_what_is_removed_is_gone(file: Path, tmp_path: Path) -> None:
    collection.add(file, name="mine")
    collection.remove("mine")
    assert "mine" not in locate.all_presets() and list((tmp_path / "own" / "added").iterdir()) == []
    with pytest.raises(ChoiceError, match="no preset 'mine'"):
        collection.remove("mine")


def test_names_are_taken_once(file: Path) -> None:
    collection.add(file, name="mine")
    for name in ("mine", "cifar10-256-8"):
        with pytest.raises(ChoiceError, match=f"already a preset {name}"):
            collection.add(file, name=name)


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", "", ".x", "A", "x" * 65, "a\0", "a\n"])
def test_no_name_leads_out_of_the_folder(file: Path, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    for action in (lambda: collection.add(file, name=name or "."), lambda: collection.remove(name)):
        with pytest.raises(ChoiceError, match="can't name weights"):
            action()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("filename", ["../../up.pth", "C:\\x\\up.pth", "/etc/up.pth", "up.pth"])
def test_an_uploads_name_leads_nowhere(file: Path, tmp_path: Path, filename: str) -> None:
    added = collection.add_upload(file.read_bytes(), filename)
    assert added.preset.name == "up" and user_folder.entries()["up"].origin == "up.pth"
    assert locate.require_file(added.preset).parent == tmp_path / "own" / "added"


@pytest.mark.parametrize("filename", ["", "..", "/", "a\0b", "x" * 5000, "class names"])
def test_odd_upload_names_do_no_harm(file: Path, filename: str) -> None:
    names = "\n".join(NAMES).encode()
    added = collection.add_upload(file.read_bytes(), filename, class_data=names, name="mine")
    assert locate.class_names(added.preset) == tuple(NAMES)


def test_uploads_are_refused_as_files_are(tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    for path, sentence in hostile.files(tmp_path, STATE, marker).values():
        if not path.is_symlink():
            with pytest.raises(WeightsError, match=sentence.replace("(", r"\(")):
                collection.add_upload(path.read_bytes(), path.name)
    assert not marker.exists() and user_folder.entries() == {}


def test_a_presets_own_weights_can_be_brought_by_hand(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = replace(
        PRESETS["imagenet-1024-20"], shape=TINY.shape, class_count=10, class_set="cifar10"
    )
    monkeypatch.setitem(PRESETS, "imagenet-1024-20", published)
    with pytest.raises(WeightsError, match=r"\(98 MB\) are not here: run .* models fetch"):
        locate.require_file(published)
    added = collection.add(file, replaces="imagenet-1024-20")
    assert added.preset == published and added.assumed == ()
    assert locate.location(published).kind == "added" and list(locate.all_presets()) == list(
        PRESETS
    )
    with pytest.raises(ChoiceError, match="has added weights: remove them first"):
        collection.add(file, replaces="imagenet-1024-20")
    collection.remove("imagenet-1024-20")
    assert locate.find_file(published) is None
    with pytest.raises(ChoiceError, match="nothing to remove"):
        collection.remove("imagenet-1024-20")
    with pytest.raises(WeightsError, match="don't fit imagenet-768-32"):
        collection.add(file, replaces="imagenet-768-32")
    with pytest.raises(ChoiceError, match="no preset 'none'"):
        collection.add(file, replaces="none")


def test_openmmlabs_names_are_checked_against_the_sha256(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = PRESETS["imagenet-768-32"]
    assert preset.published is not None
    renamed = file.rename(tmp_path / preset.published.openmmlab_file)
    with pytest.raises(WeightsError, match=r"its sha256 begins with \w{8}, not bca1f7b8"):
        collection.add(renamed, replaces=preset.name)
    digest = hashlib.sha256(renamed.read_bytes()).hexdigest()
    honest = replace(preset.published, openmmlab_file=f"convmixer_2022-{digest[:8]}.pth")
    fitting = replace(preset, published=honest, shape=TINY.shape, class_count=10)
    monkeypatch.setitem(PRESETS, preset.name, fitting)
    collection.add(renamed.rename(tmp_path / honest.openmmlab_file), replaces=preset.name)


def test_a_folder_that_cannot_be_written(file: Path, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("a file stands where the folder would")
    with pytest.raises(WeightsError, match="can't be written"):
        collection.add(file, name="mine")


def test_a_full_disk_leaves_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WeightsError, match="No space left on device"):
        collection.add(file, name="mine")
    assert "mine" not in locate.all_presets()


def test_weights_without_their_record_do_not_stay(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise WeightsError("no space")

    monkeypatch.setattr(user_folder, "write_entry", fail)
    with pytest.raises(WeightsError, match="no space"):
        collection.add(file, name="mine")
    assert not user_folder.weights_file("mine").exists()


def test_weights_that_a_kill_left_without_an_entry_block_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = user_folder.weights_file("mine")
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(file.read_bytes())
    own = user_folder.weights_file("imagenet-768-32")
    own.write_bytes(file.read_bytes())
    assert locate.find_file(PRESETS["imagenet-768-32"]) is None
    collection.add(file, name="mine")
    assert locate.location(locate.all_presets()["mine"]).kind == "added"
    collection.sweep()
    assert own.exists()  # somebody may be about to write its entry
    collection.sweep(age=0)
    assert not own.exists() and orphan.exists()


def test_leftovers_of_kills_are_swept_when_old(file: Path, tmp_path: Path) -> None:
    collection.add(file, name="mine")
    kept = sorted(tmp_path.rglob("*"))
    (tmp_path / "own" / "incoming" / "abc" / "upload").mkdir(parents=True)
    (tmp_path / "own" / "incoming" / "abc" / "upload" / "file.pth").write_bytes(b"half")
    (tmp_path / "own" / "added" / ".mine.json.0123abcd").write_bytes(b"half")
    blobs = hub.cache_folder() / "models--timm--convmixer_1536_20.in1k" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "0123.incomplete").write_bytes(b"half")
    collection.sweep()
    assert (
        len([p for p in tmp_path.rglob("*") if p.is_file()])
        == len([p for p in kept if p.is_file()]) + 3
    )
    collection.sweep(age=0)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == [p for p in kept if p.is_file()]


def test_small_weights_that_take_huge_work_are_refused(tmp_path: Path) -> None:
    shape = replace(TINY.shape, patch_size=1)
    wide = replace(TINY, shape=shape, transform=replace(TINY.transform, size=4000))
    state = calibrated(replace(TINY, shape=shape)).state_dict()
    checkpoint.save(tmp_path / "wide.safetensors", state, wide, None)
    with pytest.raises(WeightsError, match=r"takes 12\.9 GiB, 3 at most, for a picture of 4000 px"):
        collection.add(tmp_path / "wide.safetensors", name="mine")
    busy = replace(PRESETS["imagenet-1536-20"], transform=replace(wide.transform, size=800))
    with pytest.raises(WeightsError, match="multiply-adds, 500 at most"):
        verification.check_cost(busy)
    with pytest.raises(WeightsError, match="1,000,000 classes"):
        verification.check_cost(replace(TINY, class_count=10**6))
    for preset in PRESETS.values():
        verification.check_cost(preset)


def test_added_files_have_a_total_bound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection.add(file, name="one")
    monkeypatch.setattr(
        user_folder, "MAX_ADDED", user_folder.weights_file("one").stat().st_size + 9
    )
    with pytest.raises(WeightsError, match="are the limit: remove some first"):
        collection.add(file, name="two")
    assert list(user_folder.entries()) == ["one"]


def test_sentences_on_an_uploads_class_file_show_no_path(file: Path, tmp_path: Path) -> None:
    for names in (b"[1", b"one", b"\xff"):
        with pytest.raises(WeightsError, match="the class file") as caught:
            collection.add_upload(file.read_bytes(), "up.pth", class_data=names)
        assert "/" not in str(caught.value)


def test_what_cannot_be_removed_is_one_sentence(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.add(file, name="mine")

    def read_only(*_: Any, **__: Any) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(WeightsError, match=r"mine can't be removed \(Read-only file system\)"):
        collection.remove("mine")


def test_only_published_presets_are_fetched(own_folders: Path) -> None:
    ship(own_folders, "cifar10-256-8")
    with pytest.raises(ChoiceError, match="nothing to fetch"):
        collection.fetch("cifar10-256-8")
    with pytest.raises(ChoiceError, match="no preset 'none'"):
        collection.fetch("none")
