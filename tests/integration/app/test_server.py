"""The server as a process: what it tells its owner, and how it ends under load."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import ConnectionClosed

from convmixer_viz.app.server import LONGEST_STOP
from tests.conftest import in_a_loop
from tests.integration.app.visitor import Server, Visitor, arriving, new_cookie, serving

LONG = "preset=cifar10-128-8-k3"  # Integrated Gradients of 200 steps on the page Attribution


def lines(server: Server) -> list[dict[str, object]]:
    """The requests in a JSON log."""
    read = (json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{")
    return [each for each in read if "analysis" in each]


async def visit(server: Server, page: str, query: str = "") -> Visitor:
    async with arriving(server.address, new_cookie(f"http://{server.address}/")) as connection:
        visitor = Visitor(connection)
        await visitor.open(page, query)
        return visitor


async def leave_when_cut(server: Server, page: str) -> str:
    try:
        return str((await visit(server, page, LONG)).errors)
    except (ConnectionClosed, ConnectionError):
        return "cut"


async def load_and_stop(server: Server) -> tuple[int, float, list[str]]:
    people = [
        asyncio.create_task(leave_when_cut(server, page))
        for page in ("attribution", "attribution", "receptive_field")
    ]
    await asyncio.sleep(2)
    status, seconds = await asyncio.to_thread(server.stop)
    return status, seconds, list(await asyncio.gather(*people))


def test_a_server_tells_its_owner_and_ends_well_under_load(tmp_path: Path) -> None:
    key = "the owner's"
    flags = ("--public", "--log", "json")
    with serving(tmp_path, *flags, CONVMIXER_VIZ_OWNER_KEY=key) as server:
        visitor = in_a_loop(visit(server, "prediction"))
        assert not visitor.errors and len(visitor.shown) > 3
        first = lines(server)[0]
        assert first["analysis"] == "prediction" and first["outcome"] == "done"
        metrics = f"http://{server.address}/metrics"
        with pytest.raises(HTTPError, match="403"):
            urlopen(metrics)
        with urlopen(Request(metrics, headers={"Authorization": f"Bearer {key}"})) as answer:
            assert b'requests_total{analysis="prediction",outcome="done"} 1.0' in answer.read()
        status, seconds, ends = in_a_loop(load_and_stop(server))
        assert status == 0 and seconds <= LONGEST_STOP
        assert "cut" in ends and set(ends) <= {"cut", "[]"}  # a quick one may be done
        assert {each["outcome"] for each in lines(server)} <= {"done", "left"}
        assert "Traceback" not in server.log.read_text()
