"""What a record says of the machine."""

from __future__ import annotations

import captum
import numpy as np
import PIL
import pytest
import scipy
import torch

import convmixer_viz
from convmixer_viz.engine import hardware


def test_all_that_decides_bits_is_named() -> None:
    versions = hardware.deciding_versions("cpu")
    assert versions["torch"] == torch.__version__ and versions["processor"]
    assert versions["convmixer-viz"] == convmixer_viz.__version__
    assert versions["numpy"] == np.__version__ and versions["pillow"] == PIL.__version__
    assert versions["scipy"] == scipy.__version__ and versions["captum"] == captum.__version__
    assert not {"gpu", "cudnn"} & versions.keys()


def test_a_gpu_and_its_library_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Tesla of {device}")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91900)
    versions = hardware.deciding_versions("cuda:1")
    assert (versions["gpu"], versions["cudnn"]) == ("Tesla of cuda:1", "91900")


@pytest.mark.parametrize(
    ("known", "native"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_tile": False}, False),
        ({"avx512_bf16": True}, True),
        ({"avx512_bf16": False, "amx_tile": True}, True),
        ({"neon": True, "sve_max_length": 256}, False),
    ],
)
def test_native_bfloat16_is_what_the_processor_says(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, object], native: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    assert hardware.native_bf16() is native
