"""Where weights are, how a person's own come in and go, and that no name leads out."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint, collection, hub, locate, user_folder
from convmixer_viz.weights.facts import preset_facts
from tests import hostile
from tests.conftest import TINY, calibrated
from tests.dialects import as_authors

STATE = calibrated(TINY).state_dict()
NAMES = [f"thing {i}" for i in range(10)]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder, a hub's cache and an empty shop window of this test's own."""
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")
    monkeypatch.setattr(locate, "PACKAGE", tmp_path / "package")
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.save(as_authors(STATE), tmp_path / "My Model v2.pth")
    return tmp_path / "My Model v2.pth"


def ship(folder: Path, name: str, state: dict[str, Tensor] = STATE) -> Path:
    path = folder / "pretrained" / f"{name}.safetensors"
    checkpoint.save(path, state, replace(PRESETS[name], shape=TINY.shape), None)
    return path


def test_added_weights_are_a_preset_like_any_other(file: Path, tmp_path: Path) -> None:
    class_file = tmp_path / "names.txt"
    class_file.write_text("\n".join(NAMES))
    added = collection.add(
        file, name="mine", activation="relu", residual=False, preprocess="imagenette-256-8",
        class_file=class_file,
    )  # fmt: skip
    assert added.assumed == () and locate.all_presets()["mine"] == added.preset
    assert list(locate.all_presets()) == [*PRESETS, "mine"]
    assert added.preset.transform == PRESETS["imagenette-256-8"].transform
    assert added.preset.shape == replace(TINY.shape, activation="relu", residual=False)
    assert locate.class_names(added.preset) == tuple(NAMES)
    found = checkpoint.read_as(locate.require_file(added.preset), added.preset)
    assert all(torch.equal(found.state[name], tensor) for name, tensor in STATE.items())
    place = locate.location(added.preset)
    assert place.kind == "added" and place.origin.startswith("My Model v2.pth, added 20")
    assert (
        place.sha256 == hashlib.sha256(locate.require_file(added.preset).read_bytes()).hexdigest()
    )
    entry = user_folder.entries()["mine"]
    assert entry.origin_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    assert locate.require_file(added.preset).is_file()


def test_a_name_comes_from_the_file_and_assumptions_are_said(file: Path) -> None:
    added = collection.add(file)
    assert added.preset.name == "my-model-v2" and len(added.assumed) == 3
    assert locate.class_names(added.preset) == tuple(map(str, range(10)))


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
    for path, words in hostile.files(tmp_path, STATE, marker).values():
        if not path.is_symlink():
            with pytest.raises(WeightsError, match=words.replace("(", r"\(")):
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


def test_what_is_not_trained_yet_says_how_to_train_it(
    file: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "cifar10-not-yet"
    monkeypatch.setitem(PRESETS, name, replace(PRESETS["cifar10-256-8"], name=name))
    for asked in (lambda: locate.require_file(PRESETS[name]), lambda: collection.fetch(name)):
        with pytest.raises(WeightsError, match=f"not trained yet: run convmixer-viz train {name}"):
            asked()
    assert "not trained yet" in locate.location(PRESETS[name]).origin
    monkeypatch.setitem(PRESETS, name, replace(PRESETS[name], shape=TINY.shape))
    with pytest.raises(ChoiceError, match="already a preset"):
        collection.add(file, name=name)
    collection.add(file, replaces=name)
    assert locate.location(PRESETS[name]).kind == "added"


def test_added_weights_that_are_gone_are_told(file: Path) -> None:
    collection.add(file, name="mine")
    user_folder.weights_file("mine").unlink()
    with pytest.raises(WeightsError, match="gone: convmixer-viz models remove mine"):
        locate.require_file(locate.all_presets()["mine"])
    collection.remove("mine")
    collection.add(file, name="mine")


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


def test_shipped_weights_come_first_and_stay(own_folders: Path, file: Path) -> None:
    preset = PRESETS["cifar10-128-8-k3"]
    assert locate.location(preset).kind == "missing"
    beside = ship(own_folders, preset.name)  # as in a checkout
    assert locate.require_file(preset) == beside and locate.location(preset).kind == "shipped"
    inside = ship(own_folders / "package", preset.name)  # as in a wheel
    assert locate.require_file(preset) == inside
    with pytest.raises(ChoiceError, match="ships with convmixer-viz and stays"):
        collection.remove(preset.name)
    with pytest.raises(ChoiceError, match="ships with its weights: use --name"):
        collection.add(file, replaces=preset.name)


def test_facts_say_what_is_published_or_measured(own_folders: Path) -> None:
    facts = preset_facts(PRESETS["imagenet-768-32"])
    assert (facts["parameters"], facts["multiply_adds"]) == (21_110_248, 20_676_851_712)
    assert (facts["published_multiply_adds"], facts["top1"]) == (19_550_000_000, 80.16)
    assert (facts["weights"], facts["bytes"], facts["sha256"]) == ("missing", 85_000_000, "")
    name = "cifar10-128-8-k3"
    path = ship(own_folders, name)
    assert preset_facts(PRESETS[name])["top1"] is None
    path.with_suffix(".json").write_text(
        json.dumps({"measured": {"right": 8765, "pictures": 10_000}, "epochs": [{}, {}]})
    )
    facts = preset_facts(PRESETS[name])
    assert facts["top1"] == pytest.approx(87.65)
    assert facts["top1_is"] == "measured on 10,000 test pictures after 2 epochs"
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads(json.dumps(facts)) == facts


def test_checksums_are_remembered_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = user_folder.sha256(path)
    with monkeypatch.context() as patched:
        patched.setattr(user_folder.hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
        assert user_folder.sha256(path) == first
    path.write_bytes(b"two!")
    assert user_folder.sha256(path) == hashlib.sha256(b"two!").hexdigest()
    (tmp_path / "own" / "checksums.json").write_text("broken")
    assert user_folder.sha256(path) == hashlib.sha256(b"two!").hexdigest()


def test_a_damaged_record_is_named_and_hides_nothing_else(file: Path, tmp_path: Path) -> None:
    collection.add(file, name="one")
    collection.add(file, name="two")
    (tmp_path / "own" / "added" / "one.json").write_text("{}")
    assert "two" in locate.all_presets() and "one" not in locate.all_presets()
    assert user_folder.damaged_entries() == ["one"]
    collection.remove("one")
    assert user_folder.damaged_entries() == []


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


def test_importing_weights_loads_no_torch() -> None:
    code = (
        "import sys; from convmixer_viz.weights import locate; "
        "from convmixer_viz.weights.facts import preset_facts; "
        "[preset_facts(preset) for preset in locate.all_presets().values()]"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not {"torch", "huggingface_hub.hf_api"} & set(loaded.stdout.split())
