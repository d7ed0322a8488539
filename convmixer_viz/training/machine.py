"""What a run was made on: processor or GPU, and the versions that matter."""

from __future__ import annotations

import os
import platform

import torch
import torchvision

from convmixer_viz import runtime


def describe(device: str) -> str:
    """The device in words: "AMD EPYC, 2 threads, native bfloat16"."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    bf16 = "native bfloat16" if runtime.native_bf16() else "no native bfloat16"
    threads = torch.get_num_threads()
    return f"{runtime.processor()}, {threads} thread{'s' * (threads > 1)}, {bf16}"


def versions() -> dict[str, str]:
    """Python, torch (CUDA with it) and torchvision."""
    return {
        "python": platform.python_version(),
        **runtime.versions(),
        "torchvision": str(torchvision.__version__),
        "system": f"{platform.system()} {os.uname().machine}" if hasattr(os, "uname") else "",
    }
