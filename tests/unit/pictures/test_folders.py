"""Data sets: what an index says of a folder, and what it notices."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.errors import ChoiceError, DataError, PictureError
from convmixer_viz.pictures import folders
from convmixer_viz.pictures.decode import Picture, decode
from convmixer_viz.pictures.folders import DataSet, Drawn


def save(path: Path, seed: int, side: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side + 1, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of three pictures each."""
    for number, name in enumerate(("b/0", "b/1", "b/deep/2", "a/0", "a/1", "a/2")):
        save(tmp_path / "pets" / f"{name}.png", number)
    return tmp_path / "pets"


def read(folder: Path, name: str = "pets") -> DataSet:
    *_, last = folders.read(name, folder, folder.parent / "kept")
    assert last.partial is not None
    return last.partial


def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that are decoded from now on."""
    names: list[str] = []

    def note(path: Path, name: str) -> Picture:
        names.append(name)
        return decode(path, name)

    monkeypatch.setattr(folders, "decode", note)
    return names


def test_pictures_are_numbered_by_class_then_by_name(folder: Path) -> None:
    data = read(folder)
    assert data.classes == ("a", "b") and len(data) == 6 and data.left_out == 0
    assert data.labels().tolist() == [0, 0, 0, 1, 1, 1]
    names = [data.picture(number).name for number in range(6)]
    assert names == ["a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/1.png", "b/deep/2.png"]
    for number, name in enumerate(names):
        picture, truth = data.picture(number), decode(folder / name)
        assert picture == truth and (picture.width, picture.height) == (7, 6)
        assert np.array_equal(picture.pixels, truth.pixels)
    with pytest.raises(DataError, match="choose 0 to 5"):
        data.picture(6)


def test_a_flat_folder_has_no_labels(folder: Path) -> None:
    data = read(folder / "a")
    assert data.classes == () and data.labels().tolist() == [-1, -1, -1]


def test_a_second_reading_decodes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(folder)
    names = decoded(monkeypatch)
    assert read(folder) == first and names == []


def test_a_change_is_noticed_and_only_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(folder)
    save(folder / "a/1.png", 99)
    save(folder / "b/new.png", 98)
    (folder / "b/0.png").unlink()
    os.utime(folder / "a/1.png", ns=(1, 1))
    with pytest.raises(PictureError, match="has changed"):
        _ = first.picture(1).pixels
    names = decoded(monkeypatch)
    second = read(folder)
    assert sorted(names) == ["a/1.png", "b/new.png"]
    assert len(second) == 6 and second.sha256 != first.sha256
    assert second.picture(1) == decode(folder / "a/1.png")
    assert [second.picture(n).name for n in (3, 4, 5)] == ["b/1.png", "b/deep/2.png", "b/new.png"]


def test_a_changed_name_or_label_changes_the_index(folder: Path) -> None:
    sums = {read(folder).sha256}
    (folder / "a/0.png").rename(folder / "a/9.png")
    sums.add(read(folder).sha256)
    (folder / "a/9.png").rename(folder / "b/9.png")
    sums.add(read(folder).sha256)
    (folder / "b").rename(folder / "c")
    sums.add(read(folder).sha256)
    assert len(sums) == 4


def test_the_same_pictures_elsewhere_have_the_same_sha256(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert read(folder).sha256 == read(tmp_path / "copy", "other").sha256


def test_a_broken_picture_is_named_and_left_out(folder: Path) -> None:
    (folder / "a/broken.png").write_bytes((folder / "a/0.png").read_bytes()[:60])
    (folder / "a/empty.jpg").write_bytes(b"")
    (folder / "a/nowhere.png").symlink_to(folder / "gone.png")
    (folder / "a/itself.png").symlink_to(folder / "a/itself.png")
    (folder / "a/notes.txt").write_bytes(b"no picture by its name")
    (folder / "a/folder.png").mkdir()
    data = read(folder)
    assert len(data) == 6 and data.left_out == 4
    assert "broken.png is cut off" in data.problems()[0]
    assert len(data.problems(2)) == 2


def test_what_is_broken_and_mended_is_read_again(folder: Path) -> None:
    (folder / "a/late.png").write_bytes(b"")
    assert read(folder).left_out == 1
    save(folder / "a/late.png", 5)
    assert (len(read(folder)), read(folder).left_out) == (7, 0)


def test_links_in_circles_end(folder: Path) -> None:
    (folder / "a/up").symlink_to(folder)
    (folder / "round").symlink_to(folder)
    data = read(folder)
    assert data.classes == ("a", "b", "round")
    assert len(data) == 12  # round/ shows each picture of a/ and b/ once more, and ends there


def test_an_interrupted_reading_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "HASHED_AT_ONCE", 2)
    steps = folders.read("pets", folder, folder.parent / "kept")
    assert (next(steps).done, next(steps).done) == (2, 4)
    steps.close()  # type: ignore[attr-defined]
    names = decoded(monkeypatch)
    assert len(read(folder)) == 6
    assert len(names) <= 4


def test_a_drawn_part_is_the_seeds(folder: Path) -> None:
    data = read(folder)
    assert data.draw(3, 0) == data.draw(3, 0)
    assert len({data.draw(3, seed) for seed in range(20)}) > 5
    assert data.draw(6, 1) == (0, 1, 2, 3, 4, 5)
    for size in (0, 7):
        with pytest.raises(DataError, match="draw 1 to 6"):
            data.draw(size, 0)


def test_train_and_test_are_two_data_sets_of_one_name(folder: Path) -> None:
    assert folders.parts("pets", folder) == {"pets": folder}
    for part in ("train", "test"):
        shutil.copytree(folder, folder.parent / "both" / part)
    both = folder.parent / "both"
    assert folders.parts("pets", both) == {
        "pets/train": both / "train",
        "pets/test": both / "test",
    }


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", ".hidden", "x" * 65])
def test_a_name_that_cannot_be_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(DataError, match="can't name a data set"):
        folders.parts(name, folder)


def test_folders_that_cannot_be_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        folders.parts("pets", tmp_path / "gone")
    with pytest.raises(DataError, match=r"can't be used \(No such file"):
        read(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        read(tmp_path / "empty")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"can be read: a\.png is empty"):
        read(tmp_path / "broken")
    with pytest.raises(DataError, match="there is pets"):
        folders.find("dogs", {"pets": folder})


def test_a_damaged_index_is_one_sentence(folder: Path) -> None:
    index = read(folder).index
    index.write_bytes(b"no database" * 1000)
    with pytest.raises(DataError, match=r"can't be used \(file is not a database\): delete it"):
        read(folder)


def test_what_is_drawn_streams_in_order(folder: Path) -> None:
    data = read(folder)
    whole, some = Drawn(data), Drawn(data, 3, seed=1)
    assert (len(whole), len(some)) == (6, 3)
    assert list(whole) == [data.picture(number) for number in range(6)]
    assert list(some) == [some[n] for n in range(3)] == some[0:3]
    assert [picture.name for picture in some] == [data.picture(n).name for n in data.draw(3, 1)]
    assert some.labels(["b", "x", "A"]).tolist() == [
        {"a": 2, "b": 0}[picture.name[0]] for picture in some
    ]


def test_what_is_drawn_is_told_apart(folder: Path) -> None:
    data = read(folder)
    parts = [Drawn(data), Drawn(data, 3), Drawn(data, 3, 1), Drawn(data, 4)]
    assert len({repr(part) for part in parts}) == len({part.identity for part in parts}) == 4
    assert data.sha256 in repr(parts[0])


def test_labels_that_do_not_fit_are_refused(folder: Path) -> None:
    with pytest.raises(ChoiceError, match="'b' is no class of this preset"):
        Drawn(read(folder)).labels(["a", "c"])
    with pytest.raises(DataError, match="has no labels"):
        Drawn(read(folder / "a")).labels(["a", "b"])
