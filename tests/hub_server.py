"""A stand-in for the Hugging Face hub on 127.0.0.1 that misbehaves on request."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAGE = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"


class Hub(ThreadingHTTPServer):
    """Serves one file under every address, well or badly: as `behaviour` names it."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.behaviour = "good"
        self.pace = 0.05  # seconds between the forty parts of a slow answer
        self.ranges: list[str] = []  # Range headers of the GET requests, "" where none
        self.stop = threading.Event()  # ends stalls

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        behaviour = self.server.behaviour
        if behaviour == "404":
            self._head(404, 0, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        elif behaviour == "500":
            self._head(500, 0, {})
        elif behaviour == "a login page everywhere":
            self._head(200, len(PAGE), {"Content-Type": "text/html"})
        elif behaviour == "stalls at once":
            self.server.stop.wait(60)
        else:
            self._head(200, len(self.server.content), self._content_headers())

    def do_GET(self) -> None:
        if "/resolve/" not in self.path:  # the client asks for its own affairs, too
            self._head(404, 0, {})
            return
        requested = self.headers.get("Range") or ""
        self.server.ranges.append(requested)
        start = int(requested.removeprefix("bytes=").split("-")[0]) if requested else 0
        body, behaviour = self.server.content, self.server.behaviour
        if behaviour == "a page instead":
            body = PAGE
        elif behaviour == "wrong content":
            body = bytes(len(body))
        rest = body[start:]
        status = 206 if requested else 200
        headers = self._content_headers() | {"Connection": "close"}
        if requested:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self._head(status, len(rest), headers)
        if behaviour == "cut once" and len(self.server.ranges) == 1:
            rest = rest[: len(rest) // 2]
        elif behaviour == "always cut":
            rest = b""
        elif behaviour in ("stalls", "slow"):
            self._trickle(rest if behaviour == "slow" or not requested else b"", behaviour)
            self.close_connection = True
            return
        self.wfile.write(rest)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _trickle(self, rest: bytes, behaviour: str) -> None:
        """Forty parts, one after another; where it stalls, twenty and then nothing."""
        part = len(rest) // 40 + 1
        for begin in range(0, len(rest) // 2 if behaviour == "stalls" else len(rest), part):
            self.wfile.write(rest[begin : begin + part])
            self.wfile.flush()
            self.server.stop.wait(self.server.pace if behaviour == "slow" else 0)
        if behaviour == "stalls":
            self.server.stop.wait(60)

    def _content_headers(self) -> dict[str, str]:
        digest = hashlib.sha256(self.server.content).hexdigest()
        return {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()


@contextmanager
def serving(content: bytes) -> Iterator[Hub]:
    """The stand-in in a thread, until the block ends."""
    hub = Hub(content)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        hub.stop.set()
        hub.shutdown()
        thread.join()
        hub.server_close()
