"""Many at once, over websockets: each result as serially, nobody lost or refused, waits alike; and
tabs that come and go leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import time
from collections import defaultdict
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from convmixer_viz.pictures.gallery import GALLERY
from tests.integration.app.simulation import Kind, simulate
from tests.integration.app.visitor import Server, Visitor, arriving, new_cookie, serving

PEOPLE, SECONDS = 30, float(os.environ.get("LOAD_SECONDS", "300"))
SAMPLE = 8  # results that are computed serially once more
LONGEST_TO_MEDIAN = 3.0
PRESETS = ("cifar10-256-8", "cifar10-128-8-k3", "cifar10-128-8-k5")
Shown = dict[tuple[int, ...], bytes]


def anything(draw: random.Random) -> tuple[str, str]:
    """A page and a link that hardly anybody else asks for: mostly a prediction or a kernel."""
    picture, preset = draw.choice(list(GALLERY)), draw.choice(PRESETS)
    block = draw.randint(1, 8)
    common = f"picture={picture}&preset={preset}&block={block}"
    if draw.random() < 0.5:
        return "prediction", f"{common}&top={draw.randint(1, 20)}"
    return "kernels", f"{common}&kernel={draw.randrange(128)}"


async def live(
    server: Server, number: int, end: float, seen: dict[tuple[str, str], Shown]
) -> tuple[int, int]:
    """One person until the end: results and errors."""
    draw, results, errors = random.Random(number), 0, 0
    cookie = await asyncio.to_thread(new_cookie, f"http://{server.address}/")
    while time.monotonic() < end:
        asked = anything(draw)  # each link in a new tab: an open one keeps its choices
        async with arriving(server.address, cookie) as connection:
            visitor = Visitor(connection)
            seen[asked] = await visitor.open(*asked)
        results, errors = results + 1, errors + len(visitor.errors)
        await asyncio.sleep(draw.expovariate(1.0))
    return results, errors


async def crowd(server: Server) -> tuple[list[tuple[int, int]], dict[tuple[str, str], Shown]]:
    seen: dict[tuple[str, str], Shown] = {}
    end = time.monotonic() + SECONDS
    people = (live(server, number, end, seen) for number in range(PEOPLE))
    return list(await asyncio.gather(*people)), seen


async def alone(server: Server, asked: list[tuple[str, str]]) -> list[Shown]:
    cookie, seen = new_cookie(f"http://{server.address}/"), []
    for each in asked:
        async with arriving(server.address, cookie) as connection:
            seen.append(await Visitor(connection).open(*each))
    return seen


def entries(server: Server) -> list[dict[str, object]]:
    """The requests in a JSON log."""
    read = (json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{")
    return [each for each in read if "analysis" in each]


def report(**numbers: object) -> None:
    """Figures for people: pytest -s shows them."""
    print(json.dumps(numbers))


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_thirty_people_at_once(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    with serving(tmp_path, "--log", "json", "--store", "0") as server:
        counts, seen = asyncio.run(crowd(server))
        log = entries(server)
    assert sum(errors for _, errors in counts) == 0
    assert {each["outcome"] for each in log} <= {"done", "left"}
    waits, service = defaultdict(list), defaultdict(list)
    for each in log:
        if each["outcome"] == "done":
            waits[str(each["analysis"])].append(float(str(each["seconds"])))
            service[str(each["analysis"])].append(float(str(each["computed"])))
    for name, seconds in waits.items():
        report(
            analysis=name,
            count=len(seconds),
            median=statistics.median(seconds),
            longest=max(seconds),
            ratio=max(seconds) / statistics.median(seconds),
            service=statistics.mean(service[name]),
        )
    results = sum(count for count, _ in counts)
    report(people=PEOPLE, results=results, fewest=min(counts)[0], load=os.getloadavg())
    some = random.Random(0).sample(sorted(seen), min(SAMPLE, len(seen)))
    with serving(tmp_path / "alone", "--store", "0") as server:
        serial = asyncio.run(alone(server, some))
    different = [asked for asked, shown in zip(some, serial, strict=True) if seen[asked] != shown]
    report(compared=len(some), different=different)
    assert not different
    kinds = [Kind(name, len(waits[name]), service[name]) for name in waits]
    paper = simulate(
        kinds, people=PEOPLE, pause=PEOPLE * SECONDS / max(1, results), seconds=SECONDS
    )
    report(paper={name: statistics.median(seconds) for name, seconds in paper.items() if seconds})
    for name in ("prediction", "kernel"):
        assert max(waits[name]) <= LONGEST_TO_MEDIAN * statistics.median(waits[name]), name


def standing(server: Server) -> dict[str, float]:
    """Memory in MiB, threads and open files of the server."""
    with urlopen(f"http://{server.address}/status", timeout=60) as answer:
        lines = (line.split() for line in answer.read().decode().splitlines())
        numbers = {name: float(value) for name, value in lines}
    listening = int(server.address.rpartition(":")[2])
    process = next(p for p in psutil.process_iter() if _listens(p, listening))
    return {
        "MiB": numbers["memory_bytes"] / 2**20,
        "threads": numbers["threads"],
        "files": process.num_fds(),
    }


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(c.laddr.port == port for c in process.net_connections() if c.status == "LISTEN")
    except psutil.Error:
        return False


async def tabs(server: Server, count: int, at_once: int = 4) -> None:
    """Tabs that are opened, shown to the end and closed."""
    turns = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with turns:
            cookie = await asyncio.to_thread(new_cookie, f"http://{server.address}/")
            async with arriving(server.address, cookie) as connection:
                await Visitor(connection).open(*anything(random.Random(number % 40)))

    await asyncio.gather(*(one(number) for number in range(count)))


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_two_hundred_tabs_leave_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--store", "0") as server:
        rounds = []
        for _ in range(3):
            asyncio.run(tabs(server, 200))
            rounds.append(standing(server))
            report(**rounds[-1])
        first, last = rounds[0], rounds[-1]
        for name in ("MiB", "threads", "files"):
            assert last[name] <= 1.1 * first[name], name
