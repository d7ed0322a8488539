"""Files that nobody should load, and a part of the sentence that refuses each."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


class Runs:
    """Pickled, this runs a command when it is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


class Fills:
    """Pickled, this takes memory when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (8 * 2**30,)


def files(folder: Path, state: Mapping[str, Tensor], marker: Path) -> dict[str, tuple[Path, str]]:
    """Name → file, part of its refusal. `state` is a good model's; running any of the code that
    these files hold would create the marker."""
    good = _saved(folder / "good.pth", dict(state))
    command = f"touch {marker}"
    runs = {"state_dict": dict(state), "extra": Runs(command)}
    with torch.no_grad():
        endless = dict(state) | {"head.weight": torch.zeros(1).expand(10**6, 10**3)}
    return {
        "a pickle that runs code": (_saved(folder / "runs.pth", runs), "would run posix.system"),
        "the same, old format": (_saved(folder / "old.pth", runs, False), "would run posix.system"),
        "the same, bare": (
            _bytes(folder / "bare.pth", pickle.dumps(Runs(command))),
            "is no weights file",
        ),
        "a pickle that fills memory": (
            _saved(folder / "fills.pth", {"state_dict": dict(state), "extra": Fills()}),
            "would run __builtin__.bytearray",
        ),
        "a zip bomb": (_bomb(folder / "bomb.pth"), "unpacks to more than it is"),
        "a zip of something else": (_zip(folder / "else.pth"), "not one of torch.save's"),
        "cut off": (_cut(good, folder / "cut.pth", 0.5), "cut off or damaged"),
        "wrong tensors": (
            _saved(folder / "wrong.pth", {"conv1.weight": torch.ones(8, 3, 7, 7)}),
            "is no ConvMixer",
        ),
        "a huge claim, torch": (_saved(folder / "endless.pth", endless), "claims 1,000,0"),
        "a huge claim, safetensors": (_claim(folder / "claim.safetensors"), "claims 1,000,000,000"),
        "a huge header": (
            _bytes(folder / "header.safetensors", (2**40).to_bytes(8, "little") + b"{}"),
            "claims a header of 1099511627776 bytes",
        ),
        "nested without end": (_nested(folder / "nested.safetensors"), "cut off or damaged"),
        "a link": (_link(good, folder / "link.pth"), "is a link"),
        "empty": (_bytes(folder / "empty.pth", b""), "is empty"),
        "text": (_bytes(folder / "text.pth", b"hello, world\n" * 100), "is no weights file"),
        "a web page": (_bytes(folder / "page.pth", b"\n<!DOCTYPE html><html>"), "is a web page"),
    }


def _saved(path: Path, content: Any, new: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=new)
    return path


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}, 2))
        archive.writestr("a/data/0", bytes(20 * 2**20))
    return path


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "a zip")
    return path


def _cut(good: Path, path: Path, share: float) -> Path:
    content = good.read_bytes()
    return _bytes(path, content[: int(len(content) * share)])


def _claim(path: Path) -> Path:
    entry = {"dtype": "F32", "shape": [100_000, 10_000], "data_offsets": [0, 4 * 10**9]}
    header = json.dumps({"head.weight": entry}).encode()
    return _bytes(path, len(header).to_bytes(8, "little") + header + bytes(64))


def _nested(path: Path) -> Path:
    header = b'{"a":' + b"[" * 10**6
    return _bytes(path, len(header).to_bytes(8, "little") + header)


def _link(good: Path, path: Path) -> Path:
    path.symlink_to(good)
    return path
