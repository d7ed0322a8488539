"""Addresses for who runs the server: its health, its metrics, its numbers of now."""

from __future__ import annotations

import hmac
import os
import threading
import time
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from convmixer_viz.app.operation import OPERATION
from convmixer_viz.commands.app import OWNER_KEY_VARIABLE, is_public
from convmixer_viz.errors import VizError

HEALTH_AGE = 5.0  # seconds for which an answer of the health route is given again


class Health:
    """Whether a model can be run: one is, unless that was tried moments ago."""

    def __init__(self) -> None:
        self._tried, self._lock = float("-inf"), threading.Lock()
        self._answer: tuple[int, dict[str, Any]] = (503, {})

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and what is said beside it; who asks meanwhile waits for the same."""
        with self._lock:
            if time.monotonic() - self._tried > HEALTH_AGE:
                self._answer, self._tried = self._try(), time.monotonic()
            return self._answer

    def _try(self) -> tuple[int, dict[str, Any]]:
        from convmixer_viz.app import session  # not before: torch takes seconds

        try:
            seconds = session.bench().probe()
        except VizError as error:
            return 503, {"runs": False, "reason": str(error)}
        return 200, {"runs": True, "seconds": None if seconds is None else round(seconds, 4)}


HEALTH = Health()


def is_owners(request: Request) -> bool:
    """Whether a request may see the owner's pages: on an owner's own machine any, with --public
    those that bring the owner's key."""
    if not is_public():
        return True
    key = os.environ.get(OWNER_KEY_VARIABLE, "")
    brought = request.headers.get("authorization", "").removeprefix("Bearer ")
    return bool(key) and hmac.compare_digest(key.encode(), brought.encode())


def health(request: Request) -> Response:
    """200 where a model was run, 503 where that fails."""
    status, body = HEALTH.answer()
    return JSONResponse(body, status)


def metrics(request: Request) -> Response:
    """What Prometheus reads."""
    if not is_owners(request):
        return _refusal()
    return Response(generate_latest(OPERATION.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def status(request: Request) -> Response:
    """The numbers of now, a line each."""
    if not is_owners(request):
        return _refusal()
    numbers = OPERATION.standing()
    return PlainTextResponse("".join(f"{name} {value:g}\n" for name, value in numbers.items()))


def _refusal() -> Response:
    sentence = f"For the owner: send the key in ${OWNER_KEY_VARIABLE} as a bearer token.\n"
    return PlainTextResponse(sentence, 403)


ROUTES = (Route("/health", health), Route("/metrics", metrics), Route("/status", status))
