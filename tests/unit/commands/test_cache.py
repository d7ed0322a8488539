"""cache on the command line: what is kept on disk, and its bound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convmixer_viz import cli
from convmixer_viz.commands import cache
from convmixer_viz.errors import ChoiceError

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path))
    return tmp_path


def test_what_is_kept_is_listed_and_deleted(own_folder: Path, capsys: Capture) -> None:
    run = ["patch-embedding", "--preset", "cifar10-128-8-k3", "--store", "1"]
    assert cli.main(run) == 0
    first = capsys.readouterr().out
    assert cli.main(["cache", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["results"], row["count"]) == ("patch-embedding", 1)
    assert cli.main(run) == 0
    assert capsys.readouterr().out == first
    assert cli.main(["cache", "empty"]) == 0
    assert capsys.readouterr().out.startswith("1 results (")
    assert cli.main(["cache"]) == 0
    assert "No results are kept" in capsys.readouterr().out
    assert not list((own_folder / "results").glob("*.npz"))


def test_nothing_is_kept_where_the_bound_is_none(own_folder: Path) -> None:
    assert cli.main(["patch-embedding", "--preset", "cifar10-128-8-k3", "--store", "0"]) == 0
    assert not (own_folder / "results").exists()


def test_the_bound_comes_from_the_flag_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(cache.STORE_VARIABLE)
    assert cache.store_bytes() == 2 * 2**30
    monkeypatch.setenv(cache.STORE_VARIABLE, "0.5")
    assert (cache.store_bytes(), cache.store_bytes(1)) == (2**29, 2**30)
    for wrong in ("much", "-1", "nan", "inf", "1e9"):
        monkeypatch.setenv(cache.STORE_VARIABLE, wrong)
        with pytest.raises(ChoiceError):
            cache.store_bytes()


def test_a_folder_that_fails_is_one_sentence(own_folder: Path, capsys: Capture) -> None:
    (own_folder / "results").write_bytes(b"")
    assert cli.main(["cache"]) == 2
    assert capsys.readouterr().err.startswith("error: Results are no longer kept in")
