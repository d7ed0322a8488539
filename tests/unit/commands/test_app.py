"""app on the command line: what is wrong is said before the server starts."""

from __future__ import annotations

import os
import socket

import pytest

from convmixer_viz import cli
from convmixer_viz.commands import app

Capture = pytest.CaptureFixture[str]


def test_a_taken_port_is_refused(capsys: Capture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert cli.main(["app", "--port", str(taken.getsockname()[1])]) == 2
    assert "choose another --port" in capsys.readouterr().err
    assert cli.main(["app", "--port", "99999"]) == 2


def test_a_device_that_is_not_there_is_refused_before_the_server_starts(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("started"))
    assert cli.main(["app", "--port", "0", "--device", "gpu"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_script_is_there() -> None:
    assert app.launcher().name == "streamlit_app.py"
    assert app.launcher().is_file()
