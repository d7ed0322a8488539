"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from convmixer_viz.errors import DataError
from convmixer_viz.training import files


def test_an_unusable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="choose another folder"):
        files.make_folder(tmp_path / "file" / "out")


def test_a_broken_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(DataError, match="is no training state"):
        files.read_state(tmp_path / "state.pt")


def test_a_reader_never_sees_a_half(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    files.write(path, lambda part: part.write_text("first"))
    with path.open() as reader:
        files.write(path, lambda part: part.write_text("second"))
        assert reader.read() == "first" and path.read_text() == "second"
