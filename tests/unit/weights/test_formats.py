"""Damaged and hostile files: one sentence each, and nothing runs."""

from __future__ import annotations

import json
import os
import pickle
import time
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights import checkpoint, formats
from tests import hostile
from tests.conftest import TINY, calibrated

STATE = calibrated(TINY).state_dict()


def test_the_marker_would_appear_if_the_pickle_ran(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(hostile.Runs(f"touch {tmp_path}/marker")))
    assert (tmp_path / "marker").exists()


def test_without_our_own_look_torch_refuses_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "it ran"
    path = hostile.files(tmp_path, STATE, marker)["a pickle that runs code"][0]
    monkeypatch.setattr(formats, "_check_pickle", lambda *_: None)
    with pytest.raises(WeightsError, match="damaged"):
        checkpoint.read(path)
    assert not marker.exists()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["torch", "old", "safetensors"])
def test_every_cut_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "file"
    if kind == "safetensors":
        safetensors.torch.save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=kind == "torch")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="cut off or damaged"):
        checkpoint.read(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    sentences = {
        "none": "no weights file",
        ".": "is a folder",
        "pipe": "no weights file",
        "dangling": "is a link",
        "loop": "is a link",
        "a\0b": "no weights file|can't be read",
    }
    for name, sentence in sentences.items():
        with pytest.raises(WeightsError, match=sentence):
            checkpoint.read(tmp_path / name)


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(formats.MAX_BYTES + 1)  # sparse: no disk is taken
    with pytest.raises(WeightsError, match="1 GiB is the limit"):
        checkpoint.read(tmp_path / "large")


def test_a_whole_pickled_model_says_how_to_save_it(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(WeightsError, match=r"torch\.nn\.modules\.linear\.Linear.*state_dict\(\)"):
        checkpoint.read(tmp_path / "model.pth")


def safetensors_file(path: Path, entries: str) -> Path:
    """A file with that header, and four bytes of values."""
    header = entries.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return path


def entry(shape: str) -> str:
    return f'{{"dtype": "F32", "shape": {shape}, "data_offsets": [0, 4]}}'


def test_long_numbers_of_a_header_are_not_multiplied(tmp_path: Path) -> None:
    shape = f"[{','.join(['9' * 4300] * 400)}]"
    path = safetensors_file(tmp_path / "digits", f'{{"a": {entry(shape)}}}')
    began = time.process_time()
    with pytest.raises(WeightsError, match="damaged"):
        checkpoint.read(path)
    assert time.process_time() - began < 2  # the product alone took many seconds


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        (f'{{"a": {entry("[" + "1," * 99 + "1]")}}}', "a tensor of 100 axes"),
        (json.dumps({str(i): {"shape": [1]} for i in range(20_001)}), "claims 20,001 tensors"),
        (f'{{"a": {entry("[1]")}}}' + " " * 2**22, "claims a header of"),
    ],
    ids=["axes", "tensors", "bytes"],
)
def test_a_headers_claims_are_bounded(tmp_path: Path, entries: str, sentence: str) -> None:
    with pytest.raises(WeightsError, match=sentence):
        checkpoint.read(safetensors_file(tmp_path / "file", entries))


@pytest.mark.parametrize(
    "stream",
    [b"\x80\x04(" + b"\x8f" * 10 + b"l.", b"\x80\x02(" + b"}" * 10_001 + b"l."],
    ids=["sets", "too many dictionaries"],
)
def test_pickles_hold_names_and_tensors_only(
    tmp_path: Path, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MAX_OPCODES", 10_000)
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("archive/data.pkl", stream)
        archive.writestr("archive/version", "3")
    with pytest.raises(WeightsError, match="more than names and tensors"):
        checkpoint.read(tmp_path / "file")


def test_expanded_tensors_count_as_what_they_become(tmp_path: Path) -> None:
    wide = dict(STATE)
    for name in ("stem.0.weight", "head.weight"):
        wide[name] = STATE[name].flatten()[:1].expand(STATE[name].numel()).view(STATE[name].shape)
    torch.save(wide, tmp_path / "expanded")
    checkpoint.read(tmp_path / "expanded")  # a little is no harm
    wide |= {"more": torch.zeros(1).expand(10**6)}
    torch.save(wide, tmp_path / "expanded")
    with pytest.raises(WeightsError, match=r"its tensors are 4\.. MB when they are written out"):
        checkpoint.read(tmp_path / "expanded")


def test_names_out_of_files_are_short_and_plain_in_sentences(tmp_path: Path) -> None:
    red = "\x1b[31mred\x1b[0m\n"
    for name, like in ((red, "1"), ("x" * 10**6, "2"), (red * 10**5, "3")):
        for state in ({name: torch.ones(2)}, STATE | {name: torch.ones(2)}):
            torch.save(state, tmp_path / like)
            with pytest.raises(WeightsError, match="is no ConvMixer") as caught:
                checkpoint.read(tmp_path / like)
            assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


def test_a_pickles_hidden_call_is_named_shortly(tmp_path: Path) -> None:
    stream = b"\x80\x02cos\n" + b"s" * 10**6 + b"\x1b[31m\n."
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("archive/data.pkl", stream)
    with pytest.raises(WeightsError, match=r"would run os\.sss.*…") as caught:
        checkpoint.read(tmp_path / "file")
    assert len(str(caught.value)) < 300
