"""Fetching in Chromium: progress that moves, stop and go on, an error that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import safetensors.torch
import torch

from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets.table import PRESETS
from tests.browser.conftest import ROOT, settle, start_server
from tests.hub_server import Hub, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRESET = PRESETS["imagenet-1024-20"]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A stand-in hub with a file of the right size: 49 MB of ones, float16."""
    with torch.device("meta"):
        state = ConvMixer(PRESET.shape, PRESET.class_count).half().state_dict()
    ones = {name: torch.ones(t.shape, dtype=t.dtype) for name, t in state.items()}
    with serving(safetensors.torch.save(ones)) as running:
        yield running


@pytest.fixture
def address(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The app with that hub and empty caches."""
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path / "own"))
    address, process = start_server(ROOT / "streamlit_app.py", tmp_path / "log.txt")
    yield address
    process.terminate()
    process.wait(20)


def fetched_files(tmp_path: Path) -> list[Path]:
    return [p for p in (tmp_path / "hub").rglob("*") if "blobs" in p.parts and p.is_file()]


def test_fetch_shows_progress_stops_goes_on_and_says_what_came(
    address: str, hub: Hub, page: Page, tmp_path: Path
) -> None:
    hub.behaviour, hub.pace = "slow", 1.0
    page.goto(f"{address}/?preset={PRESET.name}")
    fetch = page.get_by_role("button", name="Fetch 98 MB")
    fetch.click(timeout=120_000)
    bar = page.get_by_test_id("stProgress")
    bar.get_by_text(re.compile(r"[1-9][\d.]* of 4\d\.\d MB")).wait_for(timeout=60_000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text(re.compile(r"Stopped at [1-9][\d.]* MB")).wait_for(timeout=15_000)
    settle(page)
    (part,) = fetched_files(tmp_path)
    begun = part.stat().st_size
    hub.behaviour = "wrong content"
    page.get_by_role("button", name="Go on").click()
    error = page.get_by_text("is not its weights and was thrown away")
    error.wait_for(timeout=120_000)
    assert "models add FILE --as imagenet-1024-20" in error.inner_text()
    settle(page)
    assert hub.ranges[-1] == f"bytes={begun}-"
    assert fetched_files(tmp_path) == [] and fetch.is_visible()


@pytest.mark.long
def test_a_checkpoint_of_98_mb_is_added_and_its_upload_dropped(
    address: str, page: Page, tmp_path: Path
) -> None:
    with torch.device("meta"):
        state = ConvMixer(PRESET.shape, PRESET.class_count).state_dict()
    file = tmp_path / "mine.safetensors"
    safetensors.torch.save_file({name: torch.ones(t.shape) for name, t in state.items()}, file)
    assert file.stat().st_size > 90e6
    page.goto(f"{address}/models")
    settle(page)
    form = page.get_by_text("Add weights of your own")
    form.click()
    page.locator("[class*=st-key-weights-file] input[type=file]").set_input_files(file)
    add = page.get_by_role("button", name="Verify and add")
    add.and_(page.locator(":enabled")).click(timeout=60_000)
    page.get_by_text("mine was verified and added").wait_for(timeout=120_000)
    settle(page)
    form.click()
    assert add.is_disabled(timeout=20_000)  # the server has let go of the bytes
    assert (tmp_path / "own" / "added" / "mine.safetensors").is_file()
