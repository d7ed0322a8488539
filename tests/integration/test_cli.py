"""The command line as a process: signals, and a reader that goes away."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from convmixer_viz import cli

TALKATIVE = (
    "import sys; from convmixer_viz.cli import main; from convmixer_viz.commands import console; "
    "console.LINE_EVERY = 0; sys.exit(main())"
)


def test_ctrl_c_ends_after_the_chunk_with_130() -> None:
    line = "attribution --random 0 --preset imagenette-256-8 --method occlusion --device cpu"
    command = subprocess.Popen(
        [sys.executable, "-c", TALKATIVE, *line.split()],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stderr is not None
    first = command.stderr.readline()  # from now on it computes
    assert first.startswith("attribution"), first
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=60)
    assert command.returncode == cli.INTERRUPTED, err
    assert "Traceback" not in err and err.endswith("stopped\n")
    assert out == ""


@pytest.mark.parametrize(
    "line", ["kernels --json --random 0 --preset cifar10-128-8-k3 --blocks 1", "models"]
)
def test_a_reader_that_has_seen_enough_ends_the_command(line: str) -> None:
    entry = "import sys; from convmixer_viz.cli import main; sys.exit(main())"
    command = subprocess.Popen(
        [sys.executable, "-c", entry, *line.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout and command.stderr
    command.stdout.close()
    assert command.wait(60) == cli.PIPE_CLOSED
    assert command.stderr.read() == b""
    command.stderr.close()
