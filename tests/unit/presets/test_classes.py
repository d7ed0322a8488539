"""Classes by index or name, with near misses; names from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import classes

IMAGENET = classes.names("imagenet")


def test_sets_have_their_names_in_order() -> None:
    assert len(IMAGENET) == 1000
    assert (IMAGENET[0], IMAGENET[999]) == ("tench", "toilet tissue")
    assert (IMAGENET[264], IMAGENET[474]) == ("Cardigan", "cardigan")
    assert classes.names("cifar10")[3] == "cat" and len(classes.names("cifar10")) == 10
    indices = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]
    assert [name.lower() for name in classes.names("imagenette")] == [
        IMAGENET[index].lower() for index in indices
    ]


@pytest.mark.parametrize(
    ("text", "index"),
    [("3", 3), (" 3 ", 3), ("tabby", 281), ("Tabby", 281), ("Cardigan", 264), ("cardigan", 474)],
)
def test_a_class_by_index_name_or_case(text: str, index: int) -> None:
    assert classes.find(IMAGENET, text) == index


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("CARDIGAN", r"2 classes: choose Cardigan \(264\), cardigan \(474\) by its number"),
        ("taby", "no class 'taby': did you mean tabby"),
        ("xyzzy", "this preset knows tench, goldfish"),
        ("", "no class ''"),
        ("1000", "no class 1000: the indices are 0 to 999"),
        ("-1", "no class -1: the indices are 0 to 999"),
        ("1000000000", "no class 1000000000"),
        ("9" * 5000, "no class 99999999999999999999: the indices"),
    ],
)
def test_what_is_no_class_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ChoiceError, match=sentence):
        classes.find(IMAGENET, text)


def test_labels_show_the_index_where_case_alone_differs() -> None:
    assert classes.label(IMAGENET, 264) == "Cardigan (264)"
    assert classes.label(IMAGENET, 281) == "tabby"
    for index in (264, 474, 281):
        assert classes.find(IMAGENET, classes.label(IMAGENET, index)) == index
    with pytest.raises(ChoiceError, match="no class"):
        classes.find(IMAGENET, "Cardigan (265)")


def test_classes_whose_names_are_numbers_are_told_from_indices() -> None:
    digits = ("1", "10", "2", "+3", "4", "5", "6", "7", "08", "9")
    labels = [classes.label(digits, index) for index in range(10)]
    assert labels[:5] == ["1 (0)", "10 (1)", "2", "+3 (3)", "4"]
    assert [classes.find(digits, label) for label in labels] == list(range(10))
    assert classes.label(tuple("0123"), 3) == "3"


def test_names_from_text_and_json(tmp_path: Path) -> None:
    names, path = ("tench", "gas pump"), tmp_path / "names"
    for text in ("tench\ngas pump\n", json.dumps(names), '{"1": "gas pump", "0": "tench"}'):
        path.write_text(text)
        assert classes.read_names(path, 2) == names


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"one\ntwo\nthree", "names 3 classes, but the model has 2"),
        (b"", "must list class names"),
        (b"one\n\n", "none of them empty"),
        (b"[1, 2]", "must list class names"),
        (b'{"1": "a", "2": "b"}', "can't be read"),
        (b"[" * 100_000, "can't be read"),
        (b"\xff\xfe\x00", "can't be read"),
    ],
)
def test_bad_files_of_names(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "names").write_bytes(content)
    with pytest.raises(WeightsError, match=sentence):
        classes.read_names(tmp_path / "names", 2)
    with pytest.raises(WeightsError, match="can't be read"):
        classes.read_names(tmp_path / "none", 2)


def test_a_data_sets_folders_are_matched_by_name() -> None:
    cifar10, imagenette = classes.CIFAR10, classes.IMAGENETTE
    assert classes.match(cifar10, ["Dog", "cat"]) == [5, 3]
    assert classes.match(imagenette, ["golf_ball", "n01440764", "gas pump"]) == [8, 0, 7]
    assert classes.match(classes.names("imagenet"), ["n03888257", "tench"]) == [701, 0]
    assert classes.match(["0", "1", "2"], ["a", "b", "c"]) == [0, 1, 2]
    synsets = [f"n{number:08d}" for number in range(1000)]
    assert classes.match(classes.names("imagenet"), synsets) == list(range(1000))


@pytest.mark.parametrize(
    ("known", "folders"),
    [
        (classes.CIFAR10, ["cat", "wolf"]),
        (classes.CIFAR10, [f"wolf {number}" for number in range(10)]),
        (classes.CIFAR10, list(classes.SYNSETS)),
        (["crane", "crane", "wolf"], ["crane"]),  # which of the two?
    ],
)
def test_folders_that_are_no_classes_are_named(known: list[str], folders: list[str]) -> None:
    with pytest.raises(ChoiceError, match="is no class of this preset"):
        classes.match(known, folders)


def test_an_error_names_the_file_and_not_where_it_lay(tmp_path: Path) -> None:
    file = tmp_path / "names.json"
    for content, count in (("[", 1), ('["cat"]', 2)):
        file.write_text(content)
        with pytest.raises(WeightsError, match=r"names\.json") as error:
            classes.read_names(file, count)
        assert str(tmp_path) not in str(error.value)
