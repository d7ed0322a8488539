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
    """Serves one file under every address; `mood` says how."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.mood = "good"
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
        mood = self.server.mood
        if mood == "404":
            self._head(404, 0, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        elif mood == "500":
            self._head(500, 0, {})
        elif mood == "a login page everywhere":
            self._head(200, len(PAGE), {"Content-Type": "text/html"})
        elif mood == "stalls at once":
            self.server.stop.wait(60)
        else:
            self._head(200, len(self.server.content), self._names())

    def do_GET(self) -> None:
        if "/resolve/" not in self.path:  # the client asks for its own affairs, too
            self._head(404, 0, {})
            return
        asked = self.headers.get("Range") or ""
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        body, mood = self.server.content, self.server.mood
        if mood == "a page instead":
            body = PAGE
        elif mood == "wrong content":
            body = bytes(len(body))
        rest = body[start:]
        status = 206 if asked else 200
        self._head(status, len(rest), self._names() | self._range(start, len(body), asked))
        if mood == "cut once" and len(self.server.ranges) == 1:
            rest = rest[: len(rest) // 2]
        elif mood == "always cut":
            rest = b""
        elif mood in ("stalls", "slow"):
            self._trickle(rest if mood == "slow" or not asked else b"", mood)
            self.close_connection = True
            return
        self.wfile.write(rest)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _trickle(self, rest: bytes, mood: str) -> None:
        """Forty parts, one after another; where it stalls, twenty and then nothing."""
        part = len(rest) // 40 + 1
        for begin in range(0, len(rest) // 2 if mood == "stalls" else len(rest), part):
            self.wfile.write(rest[begin : begin + part])
            self.wfile.flush()
            self.server.stop.wait(self.server.pace if mood == "slow" else 0)
        if mood == "stalls":
            self.server.stop.wait(60)

    def _names(self) -> dict[str, str]:
        digest = hashlib.sha256(self.server.content).hexdigest()
        return {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}

    def _range(self, start: int, size: int, asked: str) -> dict[str, str]:
        return {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if asked else {}

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
