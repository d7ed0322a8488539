"""The server: the script that it runs, and how it starts and ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

SCRIPT = Path(__file__).parent / "router" / "main.py"


def serve(arguments: Sequence[str]) -> None:
    """Do `streamlit run` with those arguments; a signal to stop is a good end, with status 0."""
    from streamlit.web import cli  # not before: streamlit_app.py needs only the script

    for number in (signal.SIGINT, signal.SIGTERM):  # raised again after the server shut down
        signal.signal(number, lambda *_: sys.exit(0))
    cli.main(["run", *arguments], prog_name="streamlit")


if __name__ == "__main__":
    serve(sys.argv[1:])
