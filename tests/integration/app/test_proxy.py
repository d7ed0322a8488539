"""The documented proxy before two processes: TLS, sticky, bounded; one process killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import ConnectionClosed

from convmixer_viz.pictures.gallery import GALLERY
from tests.integration.app.visitor import (
    ROOT,
    Server,
    Visitor,
    arriving,
    free_port,
    new_cookie,
    serving,
)

DOCUMENT = ROOT / ".github/SERVING.md"
BROWSERS = 16
OPTIONS = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
Shown = dict[tuple[int, ...], bytes]

needs_caddy = pytest.mark.skipif(shutil.which("caddy") is None, reason="no caddy in the path")


def documented() -> str:
    """The Caddyfile that the documentation shows."""
    (text,) = re.findall(r"```caddyfile\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)
    return str(text)


def adapted(text: str, port: int, servers: list[Server]) -> str:
    """The same for this machine: its address, the processes' ports."""
    changes = {
        "viz.example.org": f"https://localhost:{port}",
        "127.0.0.1:8500 127.0.0.1:8501": " ".join(server.address for server in servers),
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return OPTIONS + text


@contextmanager
def proxied(folder: Path, servers: list[Server]) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The proxy's address, and who trusts its own authority."""
    port, config = free_port(), folder / "Caddyfile"
    config.write_text(adapted(documented(), port, servers))
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    root = folder / "caddy/pki/authorities/local/root.crt"
    try:
        end = time.monotonic() + 60
        while not root.exists() and time.monotonic() < end:
            time.sleep(0.1)
        trust = ssl.create_default_context(cafile=str(root))
        address = f"localhost:{port}"
        _await(f"https://{address}/health", trust, end)
        yield address, trust
    finally:
        process.terminate()
        process.wait(20)


def _await(url: str, trust: ssl.SSLContext, end: float) -> None:
    while time.monotonic() < end:
        with contextlib.suppress(URLError, OSError), urlopen(url, context=trust, timeout=30):
            return
        time.sleep(0.3)
    pytest.fail(f"{url} did not answer")


def requests_of(server: Server) -> int:
    lines = server.log.read_text().splitlines()
    return sum('"analysis"' in line for line in lines if line[:1] == "{" and json.loads(line))


def status_of(request: Request, trust: ssl.SSLContext) -> int:
    try:
        with urlopen(request, context=trust, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def announced(address: str, trust: ssl.SSLContext, size: int) -> int | None:
    """The status of an upload that says how large it is, before any of it is sent."""
    connection = HTTPSConnection(address, context=trust, timeout=2)
    with closing(connection):
        connection.putrequest("PUT", "/_stcore/upload_file/a/b")
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        try:
            return connection.getresponse().status
        except TimeoutError:  # the proxy waits for the rest
            return None


async def browse(address: str, trust: ssl.SSLContext, cookie: str, query: str) -> Shown:
    async with arriving(address, cookie, context=trust) as connection:
        return await Visitor(connection).open("prediction", query)


async def browse_whatever_ends(
    address: str, trust: ssl.SSLContext, cookie: str, query: str
) -> tuple[Shown, int]:
    """What the link shows, and how often the connection was lost before: the browser comes back."""
    for lost in range(20):
        try:
            return await browse(address, trust, cookie, query), lost
        except (ConnectionClosed, ConnectionError, OSError, TimeoutError):
            await asyncio.sleep(1)
        except Exception as error:  # the handshake was answered by 502
            if type(error).__name__ not in ("InvalidStatus", "InvalidMessage"):
                raise
            await asyncio.sleep(1)
    raise AssertionError(f"{query} was lost")


@needs_caddy
@pytest.mark.long
@pytest.mark.timeout(1500)
def test_the_documented_proxy_before_two_processes(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            shared = {"CONVMIXER_VIZ_CACHE": str(tmp_path / "cache")}
            flags = ("--public", "--log", "json", "--store", "0")
            servers.append(stack.enter_context(serving(folder, *flags, **shared)))
        address, trust = stack.enter_context(proxied(tmp_path, servers))
        page = f"https://{address}/"
        with urlopen(Request(page, headers={"Accept": "text/html"}), context=trust) as answer:
            given = answer.headers.get_all("Set-Cookie")
        assert any("convmixer_viz_person=" in each and "Secure" in each for each in given)
        assert any(each.startswith("viz_process=") for each in given)
        assert status_of(Request(f"{page}metrics"), trust) == 403
        for size, status in ((320_000_000, 413), (4_000_000_000, 413), (299_000_000, None)):
            assert (announced(address, trust, size) == 413) == (status == 413)
        cookies = [new_cookie(page, trust) for _ in range(BROWSERS)]
        pictures = list(GALLERY)
        queries = [
            f"picture={pictures[number % len(pictures)]}&top={number + 1}"
            for number in range(BROWSERS)
        ]

        async def first_visits() -> list[Shown]:
            visits = (
                browse(address, trust, cookie, query)
                for cookie, query in zip(cookies, queries, strict=True)
            )
            return list(await asyncio.gather(*visits))

        before = asyncio.run(first_visits())
        counts = [requests_of(server) for server in servers]
        assert all(counts)
        asyncio.run(first_visits())  # each at its own process: nothing is computed again
        assert [requests_of(server) for server in servers] == counts

        async def visits_with_a_kill() -> list[tuple[Shown, int]]:
            visits = [
                asyncio.create_task(
                    browse_whatever_ends(address, trust, cookie, query.replace("&top=", "&top=1"))
                )
                for cookie, query in zip(cookies, queries, strict=True)
            ]
            await asyncio.sleep(1)
            servers[0].process.kill()
            return list(await asyncio.gather(*visits))

        after = asyncio.run(visits_with_a_kill())
        again = asyncio.run(first_visits())
        assert again == before  # on whichever process
        print(json.dumps({"lost": [lost for _, lost in after], "requests": counts}))
        assert any(lost for _, lost in after) and all(shown for shown, _ in after)
