"""The server: the script that it runs, what stands before it, how it starts, fails and ends."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from convmixer_viz.app import request_log, routes
from convmixer_viz.app.middleware import People, Policy, Uploads
from convmixer_viz.app.operation import OPERATION
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape

SCRIPT = Path(__file__).parent / "router" / "start.py"
GRACE = 5.0  # seconds that work gets to end, once the server is told to stop
SWEEP_SECONDS = 600  # between looks for what strangers added a day ago
LONGEST_STOP = 10  # seconds until it ends whatever goes on
MIDDLEWARE = (Middleware(Policy), Middleware(People), Middleware(Uploads))
ROUTES = routes.ROUTES
LOG = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """From the start to the end of the server: its log, what a signal to stop does, and PyTorch
    loaded while the first browser is still on its way."""
    request_log.begin()
    _stop_by_signals()
    sweeping = asyncio.create_task(_sweep_now_and_then())
    threading.Thread(target=import_module, args=("convmixer_viz.app.router.main",)).start()
    yield
    sweeping.cancel()
    bench = OPERATION.bench
    if bench:
        await asyncio.to_thread(bench.close)


async def _sweep_now_and_then() -> None:
    from convmixer_viz.weights import collection  # not before: the server is to answer soon

    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(collection.sweep)


def _stop_by_signals() -> None:
    """Before the server closes its connections, no more work is taken, and what runs may end."""
    if threading.current_thread() is not threading.main_thread():
        return  # a server inside something else, which deals with signals itself
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, partial(_stop, signal.getsignal(number)))


def _stop(then: Any, number: int, frame: FrameType | None) -> None:
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, LONGEST_STOP - 0.5)
    if OPERATION.bench:
        OPERATION.bench.finish_by(time.monotonic() + GRACE)
    if callable(then):
        then(number, frame)


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
