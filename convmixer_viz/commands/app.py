"""convmixer-viz app: start the browser app from any directory."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import convmixer_viz
from convmixer_viz.commands import cache, data
from convmixer_viz.errors import ChoiceError

DEVICE_VARIABLE = "CONVMIXER_VIZ_DEVICE"
DATA_VARIABLE = "CONVMIXER_VIZ_DATA_SETS"  # JSON: folders by name
LOG_VARIABLE = "CONVMIXER_VIZ_LOG"  # text or json
PUBLIC_VARIABLE = "CONVMIXER_VIZ_PUBLIC"  # not empty: visitors are strangers
OWNER_KEY_VARIABLE = "CONVMIXER_VIZ_OWNER_KEY"  # what the owner's requests bring to a public server


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "start the app in the browser"
    command = subparsers.add_parser("app", help=summary, description=summary)
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:n")
    command.add_argument("--address", default="127.0.0.1", help="address to listen on")
    command.add_argument("--port", type=int, default=8501, help="port to listen on")
    command.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a data set that visitors may choose; several by several flags",
    )
    command.add_argument(
        "--public",
        action="store_true",
        help="visitors are strangers: what they add is theirs and goes after a day, fetching and "
        f"removing is yours, /metrics and /status ask for the key in ${OWNER_KEY_VARIABLE}",
    )
    command.add_argument(
        "--log", choices=("text", "json"), default="text", help="form of the log, a line a request"
    )
    cache.add_flag(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Replace this process by the server."""
    _check_port(arguments.address, arguments.port)
    if arguments.device != "auto":  # a wrong name shouldn't wait for a page
        from convmixer_viz.engine import runtime  # not before: torch takes seconds

        runtime.choose(arguments.device)
    os.environ[cache.STORE_VARIABLE] = str(cache.store_bytes(arguments.store) / cache.GIB)
    chosen = {name: str(folder.resolve()) for name, folder in data.chosen(arguments.data).items()}
    os.environ[DATA_VARIABLE] = json.dumps(chosen)
    os.environ[DEVICE_VARIABLE] = arguments.device
    os.environ[LOG_VARIABLE] = arguments.log
    os.environ[PUBLIC_VARIABLE] = "yes" if arguments.public else ""
    flags = ["--server.address", arguments.address, "--server.port", str(arguments.port)]
    command = ["-m", "convmixer_viz.app.server", str(launcher()), *flags]
    os.execv(sys.executable, [sys.executable, *command])


def is_public() -> bool:
    """Whether this server's visitors are strangers."""
    return bool(os.environ.get(PUBLIC_VARIABLE))


def launcher() -> Path:
    """streamlit_app.py with its settings: inside the package (wheel), or beside it (checkout)."""
    package = Path(convmixer_viz.__file__).parent
    inside = package / "app" / "launch" / "streamlit_app.py"
    return inside if inside.is_file() else package.parent / "streamlit_app.py"


def _check_port(address: str, port: int) -> None:
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except (OSError, OverflowError) as error:
        raise ChoiceError(
            f"{address} port {port} can't be used ({error}): choose another --port or --address."
        ) from error
