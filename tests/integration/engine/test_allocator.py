"""What is freed is kept, so that the next tensors cost no page faults."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from convmixer_viz.engine import allocator
assert sys.argv[1] == "plain" or allocator.keep(everything=sys.argv[1] == "everything")
def step():
    for _ in range(4):
        [np.ones(400_000) for _ in range(5)]  # 3.2 MB each
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc, nothing to tell")
def test_freed_memory_is_kept() -> None:
    plain = faults("plain")
    assert plain > 1000
    assert faults("bounded") < plain / 20
    assert faults("everything") < plain / 20
