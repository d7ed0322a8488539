"""data on the command line: what is listed, and what --data may name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from convmixer_viz import cli
from convmixer_viz.commands import app, data
from convmixer_viz.errors import DataError

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return pictures(tmp_path / "pets")


def pictures(folder: Path) -> Path:
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (4, 4), "red").save(folder / name / "0.png")
    return folder


def test_nothing_is_listed_where_nothing_is(capsys: Capture) -> None:
    assert cli.main(["data"]) == 0
    assert "data fetch cifar10" in capsys.readouterr().out


def test_folders_and_what_was_fetched_are_listed(
    own_folder: Path, pets: Path, capsys: Capture
) -> None:
    pictures(own_folder / "data" / "cifar10" / "test")
    assert cli.main(["data", "list", "--json", "--data", str(pets), "--data", f"p={pets}"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["data set"] for row in rows] == ["cifar10/test", "pets", "p"]
    assert {(row["pictures"], row["classes"], row["left out"]) for row in rows} == {(2, 2, 0)}


def test_data_names_a_folder_a_data_set_or_its_part(own_folder: Path, pets: Path) -> None:
    fetched = own_folder / "data" / "cifar10"
    pictures(fetched / "test")
    assert data.folder_of(str(pets)) == pets
    assert data.folder_of("cifar10") == fetched
    assert data.folder_of("cifar10/test") == fetched / "test"
    assert data.folder_of("gone") == Path("gone")  # the reader says what is wrong


def test_two_of_one_name_are_refused(pets: Path) -> None:
    with pytest.raises(DataError, match="Two data sets are called pets"):
        data.chosen([str(pets), f"pets={pets}"])


def test_what_was_not_fetched_is_not_removed(own_folder: Path, capsys: Capture) -> None:
    own_folder.mkdir()
    for name in ("cifar10", "..", "../own", ""):
        assert cli.main(["data", "remove", name]) == 2
        assert "was fetched: there is none" in capsys.readouterr().err
    assert own_folder.is_dir()


def test_the_app_is_told_its_data_sets(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(os, "execv", lambda *_: told.update(os.environ))
    assert cli.main(["app", "--port", "0", "--data", f"mine={pets}"]) == 0
    assert json.loads(told[app.DATA_VARIABLE]) == {"mine": str(pets)}
    assert cli.main(["app", "--port", "0", "--data", "mine=/gone"]) == 2
