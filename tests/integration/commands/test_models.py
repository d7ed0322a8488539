"""models fetch: in a process of its own, from a hub, and interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch

from convmixer_viz.cli import main
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import hub, user_folder
from tests.conftest import calibrated
from tests.hub_server import serving
from tests.tiny_download import TINY_PUBLISHED


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_folder.FOLDER_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "hub")


def test_fetch_prints_where_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PRESETS, "tiny-published", TINY_PUBLISHED)
    monkeypatch.setattr(hub, "DOWNLOAD_MODULE", "tests.tiny_download")
    content = safetensors.torch.save(calibrated(TINY_PUBLISHED).state_dict())
    with serving(content) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        assert main(["models", "fetch", "tiny-published"]) == 0
    place = capsys.readouterr().out.strip().removeprefix("tiny-published: ")
    assert Path(place).read_bytes() == content
    assert main(["models", "remove", "tiny-published"]) == 0 and not Path(place).exists()


def test_ctrl_c_ends_a_fetch_with_130_and_leaves_no_weights(tmp_path: Path) -> None:
    environment = {"HF_HUB_CACHE": str(tmp_path / "hub"), "CONVMIXER_VIZ_CACHE": str(tmp_path)}
    with serving(bytes(4 * 2**20)) as server:
        server.behaviour, server.pace = "slow", 1.0
        process = subprocess.Popen(
            [sys.executable, "-m", "convmixer_viz.cli", "models", "fetch", "imagenet-1024-20"],
            env=os.environ | environment | {"HF_ENDPOINT": server.endpoint},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(600):
            if list((tmp_path / "hub").rglob("*.incomplete")):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and out == "" and "Traceback" not in errors
    files = [p for p in (tmp_path / "hub").rglob("*") if "blobs" in p.parts and p.is_file()]
    assert all(path.suffix == ".incomplete" for path in files)
