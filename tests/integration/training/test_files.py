"""A disk that fills up while a file is written, by the process's own limit and its signal."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from convmixer_viz.errors import DataError
from convmixer_viz.training import files


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 64 KiB: a write then fails as on a full disk."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.SIG_IGN
    handler = signal.signal(signal.SIGXFSZ, ignored)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_last_good_file(tmp_path: Path, full_disk: None) -> None:
    path = tmp_path / "run.state.pt"
    files.write(path, lambda part: torch.save({"epoch": 1}, part))
    with pytest.raises(DataError, match=r"can't be written .* --resume"):
        files.write(path, lambda part: torch.save(torch.zeros(2**18), part))
    assert files.read_state(path) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["run.state.pt"]
