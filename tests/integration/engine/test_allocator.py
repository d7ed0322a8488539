"""What is freed is kept, so that the next tensors cost no page faults."""

from __future__ import annotations

import os
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


HOST = """
import os, sys
import torch
from convmixer_viz.engine import allocator
calls = []
allocator.keep = lambda: calls.append("keep")
before = dict(os.environ)
if sys.argv[1] == "library":
    from convmixer_viz import Workbench
    bench = Workbench("cpu")
    bench.predict("gallery:dot", preset="cifar10-128-8-k3", random=0)
    bench.close()
else:
    from convmixer_viz import cli
    sys.argv[1:] = ["models"]
    cli.main(["models"] if os.environ.get("INSIDE") else None)
print(len(calls), dict(os.environ) == before)
"""


@pytest.mark.parametrize(
    ("who", "inside", "settings"), [("library", "", 0), ("program", "", 1), ("program", "yes", 0)]
)
def test_only_a_process_of_our_own_is_set(who: str, inside: str, settings: int) -> None:
    """Neither allocator nor environment of a host; nor where it calls the command line's main()."""
    done = subprocess.run(
        [sys.executable, "-c", HOST, who],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"INSIDE": inside},
    )
    assert done.stdout.splitlines()[-1] == f"{settings} True"
