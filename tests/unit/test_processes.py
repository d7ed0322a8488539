"""What the processes of a torchrun have, seen by one alone; joined ones are in parity/."""

from __future__ import annotations

import pytest
import torch

from convmixer_viz import processes


def test_alone_a_process_has_everything() -> None:
    assert processes.process() == (0, 1) and not processes.connected()
    with processes.joined():
        assert not processes.connected()
        assert list(processes.share(3)) == [0, 1, 2]
        assert processes.gathered(["a", "b"]) == ["a", "b"]
        assert processes.summed(torch.arange(2)).tolist() == [0, 1]


def test_each_process_takes_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes.place("cuda") == "cuda"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert processes.place("cuda") == "cuda:3"
    assert processes.place("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert processes.place("auto") == "auto"
