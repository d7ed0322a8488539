"""What is freed is kept, so that the next tensors cost no page faults."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

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
from pathlib import Path
import torch
from convmixer_viz.engine import allocator
calls = []
allocator.keep = lambda everything=False: calls.append("everything" if everything else "bounded")
def settings():  # without what torch notes there for itself
    return {name: value for name, value in os.environ.items() if "INDUCTOR" not in name}
before = settings()
if sys.argv[1] == "library":
    from convmixer_viz import Workbench
    bench = Workbench("cpu")
    bench.predict("gallery:dot", preset="cifar10-128-8-k3", random=0)
    bench.close()
elif sys.argv[1] == "training":
    from tests.unit.training.conftest import RECIPE, TINY, write_pictures
    from convmixer_viz.presets import table
    from convmixer_viz.training import layers, loop, recipes
    table.PRESETS["tiny"], recipes.RECIPES["tiny"] = TINY, RECIPE
    layers.compiler = lambda: False
    folder = Path.cwd()
    write_pictures(folder / "train", 4, 1)
    write_pictures(folder / "test", 4, 2)
    assert list(loop.train("tiny", folder, folder / "out", epochs=1, device="cpu"))
else:
    from convmixer_viz import cli
    sys.argv[1:] = [sys.argv[1]]
    cli.main(sys.argv[1:] if os.environ.get("INSIDE") else None)
print(*calls, settings() == before)
"""


@pytest.mark.parametrize(
    ("who", "inside", "settings"),
    [
        ("library", "", "True"),
        ("training", "", "True"),
        ("models", "", "bounded True"),
        ("models", "yes", "True"),
        ("train", "", "everything True"),
        ("train", "yes", "True"),
    ],
)
def test_only_a_process_of_our_own_is_set(
    who: str, inside: str, settings: str, tmp_path: Path
) -> None:
    """Neither allocator nor environment of a host; nor where it calls the command line's main()."""
    done = subprocess.run(
        [sys.executable, "-c", HOST, who],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"INSIDE": inside, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == settings
