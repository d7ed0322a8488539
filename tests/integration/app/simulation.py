"""The queue on paper: people who ask, wait and look, and one device with the queue's own rules.

python -m tests.integration.app.simulation LOG takes a server's JSON log (`app --log json`) and says
how many processes like that one a number of people needs."""

from __future__ import annotations

import heapq
import json
import math
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from convmixer_viz.engine.queue import SHORT_TURNS, Job, Ring, is_short

LOOKING = 30.0  # seconds that a person looks at a result before asking for the next
PATIENCE = 10.0  # seconds that half of the results may take
CLASSES = (30, 300, 3000)  # people
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """Work of one kind: how often it is asked for, relative to others, and measured seconds."""

    name: str
    weight: float
    seconds: Sequence[float]
    steps: int = 1  # turns that it takes

    @property
    def mean(self) -> float:
        """What the queue expects of it."""
        return statistics.mean(self.seconds)


def simulate(
    kinds: Sequence[Kind], *, people: int, pause: float, seconds: float, seed: int = 0
) -> dict[str, list[float]]:
    """Waits by kind, in seconds: each person asks for one thing, waits for it, looks at it for
    `pause` seconds in the mean (exponential), and asks again."""
    draw = random.Random(seed)
    asks = [(draw.expovariate(1 / pause), person) for person in range(people)]
    heapq.heapify(asks)
    short, long, short_turns, now = Ring(), Ring(), 0, 0.0
    waits: dict[str, list[float]] = defaultdict(list)
    began: dict[int, float] = {}
    left: dict[int, list[float]] = {}
    jobs: dict[int, Job] = {}
    while now < seconds:
        while asks and (asks[0][0] <= now or not (len(short) or len(long))):
            at, person = heapq.heappop(asks)
            now = max(now, at)
            kind = draw.choices(kinds, [each.weight for each in kinds])[0]
            whole = draw.choice(list(kind.seconds))
            began[person], left[person] = at, [whole / kind.steps] * kind.steps
            job = jobs[person] = Job(person, kind.name, iter(()), kind.mean, person)
            (short if is_short(job, [*jobs.values()]) else long).push(job)
        if len(short) and not (short_turns >= SHORT_TURNS and len(long)):
            job, short_turns = short.pop(), short_turns + 1
        else:
            job, short_turns = long.pop(), 0
        person = int(str(job.person))
        took = left[person].pop()
        now, job.seconds = now + took, job.seconds + took
        if left[person]:
            (short if is_short(job, [*jobs.values()]) else long).push(job)
        else:
            del jobs[person]
            waits[job.name].append(now - began[person])
            heapq.heappush(asks, (now + draw.expovariate(1 / pause), person))
    return waits


def measured(lines: Iterable[str]) -> list[Kind]:
    """Kinds of work, how often each was asked for, and its seconds, from a log."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("outcome") == "done" and entry.get("computed"):
            seconds[entry["analysis"]].append(entry["computed"])
    return [Kind(name, len(each), each) for name, each in seconds.items()]


def median_wait(kinds: Sequence[Kind], people: int, pause: float = LOOKING) -> float:
    """Of all waits of an hour."""
    waits = simulate(kinds, people=people, pause=pause, seconds=HOUR)
    return statistics.median(wait for each in waits.values() for wait in each)


def people_served(kinds: Sequence[Kind], patience: float = PATIENCE) -> int:
    """The most people of one process with whom half of the results take no longer."""
    fits, fails = 0, 1
    while median_wait(kinds, fails) <= patience:
        fits, fails = fails, 2 * fails
    while fails - fits > 1:
        middle = (fits + fails) // 2
        fits, fails = (middle, fails) if median_wait(kinds, middle) <= patience else (fits, middle)
    return fits


def main(log: Path) -> None:
    """Print the people that one process serves, and the processes of each class."""
    kinds = measured(log.read_text("utf-8").splitlines())
    served = people_served(kinds)
    print(f"one process: {served} people, half of the results within {PATIENCE:.0f} s")
    for people in CLASSES:
        needed = math.ceil(people / served) if served else "too many"
        print(f"{people} people: {needed} processes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
