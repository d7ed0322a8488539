"""What this machine is: its devices, processor, free memory and versions."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

import convmixer_viz
from convmixer_viz.engine import cgroups

DECIDING_PACKAGES = ("numpy", "pillow", "scipy", "captum")


def devices() -> tuple[str, ...]:
    """All devices of this machine, the one that 'auto' chooses first."""
    return (*(f"cuda:{n}" for n in range(torch.cuda.device_count())), "cpu")


def native_bf16() -> bool:
    """Whether this processor multiplies bfloat16 itself; an emulation is slower than float32."""
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_tile"))


def free_memory(device: str) -> int:
    """Bytes that a new job may hope for on the device; on a CPU the smaller of what the machine and
    this process's control groups have free."""
    if device.startswith("cuda"):
        reusable = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + reusable
    machine, group = int(psutil.virtual_memory().available), cgroups.free_memory()
    return machine if group is None else min(machine, group)


@cache
def processor() -> str:
    """The processor's name."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def deciding_versions(device: str) -> dict[str, str]:
    """What decides a result's bits on that device: versions, and the kind of processor."""
    versions = {"convmixer-viz": convmixer_viz.__version__, **_torch_and_processor()}
    versions |= {package: _version(package) for package in DECIDING_PACKAGES}
    if device.startswith("cuda"):
        versions["gpu"] = torch.cuda.get_device_name(device)
        versions["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    return versions


def _torch_and_processor() -> dict[str, str]:
    versions = {"torch": str(torch.__version__), "processor": processor()}
    if torch.version.cuda:
        versions["cuda"] = torch.version.cuda
    return versions


@cache
def _version(package: str) -> str:
    return version(package)  # from its metadata: nothing is imported


def describe(device: str) -> str:
    """The device in words: "AMD EPYC, 2 threads, native bfloat16"."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    bf16 = "native bfloat16" if native_bf16() else "no native bfloat16"
    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'s' * (threads > 1)}, {bf16}"


def versions() -> dict[str, str]:
    """Python, torch (CUDA with it) and torchvision."""
    return {
        "python": platform.python_version(),
        **_torch_and_processor(),
        "torchvision": version("torchvision"),
        "system": f"{platform.system()} {os.uname().machine}" if hasattr(os, "uname") else "",
    }
