"""A visitor without a browser: Streamlit's own messages over its websocket, and the server that it
talks to as a process."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[3]
PICTURES = ("imgs", "plotly_chart", "bidi_component")  # elements that show results


@dataclass
class Server:
    """The command `app` at work."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> tuple[int, float]:
        """SIGTERM: the exit status, and the seconds until it was there."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30), time.monotonic() - began


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, *flags: str, **environment: str) -> Iterator[Server]:
    """`convmixer-viz app` on a free port, its log in the folder, its cache there unless named."""
    port, log = free_port(), folder / "app.log"
    command = [sys.executable, "-m", "convmixer_viz.cli", "app", "--port", str(port), *flags]
    variables = {"CONVMIXER_VIZ_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | variables | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"127.0.0.1:{port}", process, log)
    try:
        await_answer(f"http://{server.address}/health", server)
        yield server
    finally:
        process.kill()
        process.wait(20)


def await_answer(url: str, server: Server, seconds: float = 90) -> None:
    """Wait until an address answers with 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urlopen(url, timeout=30) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"{url} did not answer:\n{server.log.read_text()}")


def new_cookie(url: str, context: SSLContext | None = None) -> str:
    """The cookies that a browser has after its first page."""
    page = Request(url, headers={"Accept": "text/html"})
    with urlopen(page, timeout=30, context=context) as answer:
        return "; ".join(c.split(";")[0] for c in answer.headers.get_all("Set-Cookie", []))


@dataclass
class Visitor:
    """One tab: what its page shows, by place."""

    connection: ClientConnection
    shown: dict[tuple[int, ...], bytes] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)  # what the bars have said
    errors: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)  # names by hash

    async def open(self, page: str = "", query: str = "") -> dict[tuple[int, ...], bytes]:
        """Go to a page; what it shows once all of its work is done."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        await self.connection.send(message.SerializeToString())
        self.shown, self.errors, self.told = {}, [], []
        await self._to_the_end()
        return {place: seen for place, seen in self.shown.items() if seen}

    async def _to_the_end(self) -> None:
        async for frame in self.connection:
            assert isinstance(frame, bytes)
            message = ForwardMsg()
            message.ParseFromString(frame)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.shown, self.errors = {}, []
            elif kind == "delta":
                self._note(message)
            elif kind == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
            ):
                return
        raise ConnectionError("the server closed the connection")

    def _note(self, message: ForwardMsg) -> None:
        place, element = tuple(message.metadata.delta_path), message.delta.new_element
        kind = element.WhichOneof("type")
        self.shown[place] = b""
        if kind == "progress":
            self.told.append(element.progress.text)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind in PICTURES:
            content = getattr(element, kind)
            self.shown[place] = hashlib.sha256(_content(kind, content)).digest()


def _content(kind: str, element: object) -> bytes:
    """What is seen: without what differs from tab to tab."""
    if kind == "plotly_chart":
        return element.spec.encode()  # type: ignore[attr-defined,no-any-return]
    if kind == "imgs":  # the address of a picture is a digest of its bytes
        urls = (each.url.rpartition("/")[2] for each in element.imgs)  # type: ignore[attr-defined]
        return "\n".join(urls).encode()
    return element.json.encode()  # type: ignore[attr-defined,no-any-return]


@contextmanager
def nothing() -> Iterator[None]:
    yield


def arriving(
    address: str, cookie: str, *, context: SSLContext | None = None, **headers: str
) -> connect:
    """A websocket to the server, as the browser with that cookie opens one."""
    scheme = "wss" if context else "ws"
    sent: Mapping[str, str] = {"Cookie": cookie, **headers}
    return connect(
        f"{scheme}://{address}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]
        additional_headers=sent,
        max_size=None,
        ssl=context,
        open_timeout=60,
        ping_timeout=None,
    )
