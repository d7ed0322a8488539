"""The server: the script that it runs, what stands before it, how it starts, fails and ends."""

from __future__ import annotations

import logging
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from convmixer_viz.app.middleware import People, Policy, Uploads
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape

SCRIPT = Path(__file__).parent / "router" / "main.py"
MIDDLEWARE = (Middleware(Policy), Middleware(People), Middleware(Uploads))
LOG = logging.getLogger(__name__)


def tell_of_error(error: Exception) -> bool:
    """What st.App does with an exception that a run of the script let pass: a sentence of the
    family is shown; anything else is a mistake of ours, whose details are for the log only."""
    if isinstance(error, VizError):
        st.error(escape(error))
        return True
    number = secrets.token_hex(4)
    LOG.error("error %s on a page", number, exc_info=error)
    st.error(
        "Something went wrong here, which is a mistake in the app and not yours. The server's log "
        f"has it as error {number}."
    )
    return True


def serve(arguments: Sequence[str]) -> None:
    """Do `streamlit run` with those arguments; a signal to stop is a good end, with status 0."""
    from streamlit.web import cli  # not before: streamlit_app.py needs only what stands above

    for number in (signal.SIGINT, signal.SIGTERM):  # raised again after the server shut down
        signal.signal(number, lambda *_: sys.exit(0))
    cli.main(["run", *arguments], prog_name="streamlit")


if __name__ == "__main__":
    serve(sys.argv[1:])
