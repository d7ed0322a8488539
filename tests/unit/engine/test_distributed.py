"""What the processes of a torchrun have, seen by one alone; several are in integration/."""

from __future__ import annotations

import pytest
import torch

from convmixer_viz.engine import distributed


def test_alone_a_process_has_everything() -> None:
    assert distributed.process() == (0, 1) and not distributed.connected()
    with distributed.joined():
        assert not distributed.connected()
        assert list(distributed.share(3)) == [0, 1, 2]
        assert distributed.gathered(["a", "b"]) == ["a", "b"]
        assert distributed.summed(torch.arange(2)).tolist() == [0, 1]


def test_each_process_takes_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert distributed.local_device("cuda") == "cuda"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert distributed.local_device("cuda") == "cuda:3"
    assert distributed.local_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert distributed.local_device("auto") == "auto"
