"""The models command: listed, added, refused in one sentence, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from convmixer_viz.cli import main
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import hub, locate, user_folder
from convmixer_viz.weights.facts import preset_facts
from tests import hostile
from tests.conftest import TINY, calibrated

STATE = calibrated(TINY).state_dict()


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")


@pytest.fixture
def file(tmp_path: Path) -> str:
    torch.save(STATE, tmp_path / "mine.pth")
    return str(tmp_path / "mine.pth")


def test_the_table_has_a_row_a_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["preset", *PRESETS]
    row = next(line.split() for line in lines if line.startswith("imagenet-768-32"))
    assert row[1:5] == ["21,110,248", "20.68", "19.55", "80.16"] and "missing" in row


def test_json_has_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows == [preset_facts(preset) for preset in PRESETS.values()]


def test_show_says_everything_about_one(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (
        ["models", "show", "imagenet-768-32"],
        ["models", "show", "imagenet-768-32", "--json"],
    ):
        assert main(line) == 0
    text, _, tail = capsys.readouterr().out.partition("\n{")
    assert "depthwise 1,233,125,376" in text and "block 32  768×32×32" in text
    assert "leave the depthwise convolutions out" in text
    shown = json.loads("{" + tail)
    assert len(shown["layers"]) == 34 and shown["layers"][32]["field"] == 1351
    assert len(shown["classes"]) == 1000 and shown["shape"]["activation"] == "relu"
    assert main(["models", "--json", "show", "cifar10-256-8"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 594_186


def test_add_says_what_it_assumed_and_remove_takes_it_back(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "add", file, "--name", "my-own"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("my-own: ") and output.err.count("assumed: ") == 3
    assert main(["models"]) == 0 and "my-own" in capsys.readouterr().out
    assert main(["models", "show", "my-own"]) == 0
    assert "mine.pth, added" in capsys.readouterr().out
    assert main(["models", "remove", "my-own"]) == 0
    assert "my-own" not in locate.all_presets()


def test_add_takes_what_a_person_says(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"models add {file} --activation relu --preprocess imagenette-256-8 --no-residual"
    assert main(line.split()) == 0
    assert capsys.readouterr().err == ""
    preset = locate.all_presets()["mine"]
    assert (preset.shape.activation, preset.shape.residual) == ("relu", False)
    assert preset.transform.fit == "squash"


@pytest.mark.parametrize(
    "line",
    [
        "models show none",
        "models fetch none",
        "models fetch cifar10-256-8",
        "models remove none",
        "models remove ../x",
        "models add none.pth",
        "models add FILE --as imagenet-768-32",
        "models add FILE --name ../x",
        "models add FILE --activation tanh",
        "models add FILE --preprocess none",
        "models add FILE --as a --name b",
        "models add FILE --classes none",
        "models nothing",
        "models show",
        "models add",
    ],
)
def test_mistakes_are_one_sentence_and_exit_2(
    line: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([file if word == "FILE" else word for word in line.split()]) == 2
    output = capsys.readouterr()
    assert output.out == "" and output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert user_folder.entries() == {}


def test_hostile_files_are_one_sentence_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "it ran"
    for path, sentence in hostile.files(tmp_path, STATE, marker).values():
        assert main(["models", "add", str(path)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and sentence in error and error.count("\n") == 1
    assert not marker.exists() and user_folder.entries() == {}


def test_hostile_weights_of_an_analysis_are_one_sentence_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "it ran"
    for path, sentence in hostile.files(tmp_path, STATE, marker).values():
        assert main(["prediction", "gallery:dot", "--weights", str(path)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and sentence in error and error.count("\n") == 1
    assert not marker.exists()


def test_a_damaged_record_is_pointed_out(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "add", file]) == 0
    (tmp_path / "own" / "added" / "mine.json").write_text("{")
    capsys.readouterr()
    assert main(["models"]) == 0
    assert "mine can't be read: convmixer-viz models remove mine" in capsys.readouterr().err
    assert main(["models", "remove", "mine"]) == 0
