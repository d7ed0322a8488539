"""Four checks of a preset's file: a real one holds, a changed one is named."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from convmixer_viz.cli import main
from convmixer_viz.commands import verify
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import hub, locate, user_folder
from convmixer_viz.workbench import Workbench

NAME = "cifar10-128-8-k3"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")


def test_a_shipped_file_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", NAME]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 4 and all(row.rstrip().endswith("holds") for row in rows)
    assert "149,642" in rows[1] and "cat cat" in rows[3]


def test_what_does_not_hold_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "_counted", lambda preset: "0" * 64)
    assert main(["models", "verify", NAME]) != 0
    printed = capsys.readouterr()
    assert (
        "DOESN'T HOLD" in printed.out and f"{NAME} isn't what it should be: sha256." in printed.err
    )


def test_other_logits_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = PRESETS[NAME]
    module = Workbench("cpu").models.module(preset)
    assert verify._against_timm(preset, module).holds
    forward = type(module).forward
    monkeypatch.setattr(type(module), "forward", lambda self, x: forward(self, x) * (1 + 1e-8))
    assert verify._against_timm(preset, module).holds is False


def test_what_cannot_be_told_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = PRESETS["cifar10-128-8-k5-plain"]
    assert verify._against_timm(plain, Workbench("cpu").models.module(plain)).holds is None
    monkeypatch.setitem(sys.modules, "timm.models.convmixer", None)
    check = verify._against_timm(PRESETS[NAME], Workbench("cpu").models.module(PRESETS[NAME]))
    assert check.holds is None and "pip install timm" in check.answer


def test_missing_weights_say_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "imagenet-768-32"]) != 0
    assert "convmixer-viz models fetch imagenet-768-32" in capsys.readouterr().err


def test_the_digest_of_an_added_file_is_that_of_the_original(tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    torch.save(Workbench("cpu").models.module(PRESETS[NAME]).state_dict(), file)
    assert (
        main(
            [
                "models",
                "add",
                str(file),
                "--name",
                "mine",
                "--activation",
                "gelu",
                "--preprocess",
                NAME,
            ]
        )
        == 0
    )
    preset = locate.all_presets()["mine"]
    assert verify._digest(preset).holds is None  # nobody published one
    published = PRESETS["imagenet-768-32"].published
    assert published is not None
    digest = user_folder.entries()["mine"].origin_sha256
    for beginning, holds in ((digest[:8], True), ("00000000", False)):
        named = replace(published, openmmlab_file=f"convmixer-{beginning}.pth")
        known = replace(user_folder.entries()["mine"], origin=named.openmmlab_file)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(user_folder, "entries", lambda known=known: {"mine": known})
            assert verify._digest(replace(preset, published=named)).holds is holds
