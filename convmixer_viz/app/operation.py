"""What one server process has done, request by request, and how it stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily

from convmixer_viz.app import middleware, request_log
from convmixer_viz.app.request_log import Entry, Outcome
from convmixer_viz.contract import Step
from convmixer_viz.errors import BusyError, VizError
from convmixer_viz.request import Request

if TYPE_CHECKING:
    from convmixer_viz.workbench import Workbench

PRESENT = 300.0  # seconds after which a silent person counts as gone
MOST_PEOPLE = 10_000  # that are remembered
BOUNDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)  # seconds


class Operation:
    """What one server process has done, and how it stands."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.bench: Workbench | None = None  # once a page asked for it
        self._people: dict[str, float] = {}  # when each was last seen, monotonic seconds
        self._lock = threading.Lock()
        self._requests = Counter(
            "convmixer_viz_requests",
            "Requests of pages, by how they went.",
            ("analysis", "outcome"),
            registry=self.registry,
        )
        self._waits = Histogram(
            "convmixer_viz_wait_seconds",
            "Seconds from asking to the result.",
            ("analysis",),
            buckets=BOUNDS,
            registry=self.registry,
        )
        self._seconds = Counter(
            "convmixer_viz_device_seconds",
            "Seconds of the device for finished results.",
            ("analysis",),
            registry=self.registry,
        )
        self.registry.register(self)

    def count(self, entry: Entry) -> None:
        """Note a request that has ended."""
        self._requests.labels(entry.analysis, entry.outcome).inc()
        if entry.outcome == "done":
            self._waits.labels(entry.analysis).observe(entry.seconds)
            self._seconds.labels(entry.analysis).inc(entry.computed or 0)

    def see(self, person: str) -> None:
        """Note that a person is here."""
        with self._lock:
            self._people.pop(person, None)
            self._people[person] = time.monotonic()
            if len(self._people) > MOST_PEOPLE:
                del self._people[next(iter(self._people))]

    def standing(self) -> dict[str, float]:
        """The server's numbers of now, by name."""
        now = time.monotonic()
        with self._lock:
            people = sum(now - seen < PRESENT for seen in self._people.values())
        process = psutil.Process()
        numbers: dict[str, float] = {
            "people": people,
            "memory_bytes": process.memory_info().rss,
            "threads": process.num_threads(),
            "upload_bytes": sum(middleware.held_bytes().values()),
        }
        return numbers | (_of_bench(self.bench) if self.bench else {})

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges for the registry."""
        for name, value in self.standing().items():
            yield GaugeMetricFamily(f"convmixer_viz_{name}", name.replace("_", " "), value)


def _of_bench(bench: Workbench) -> dict[str, float]:
    return {
        "jobs": bench.active,
        "suspended_jobs": bench.suspended.jobs,
        "suspended_bytes": bench.suspended.nbytes,
        "model_bytes": bench.models.nbytes,
        "result_bytes": bench.result_nbytes,
    }


OPERATION = Operation()  # one a process, as the server is


class Account:
    """A request of a page, from asking to its end."""

    def __init__(self, request: Request[Any]) -> None:
        self._request, self._began = request, time.monotonic()
        self._outcome: Outcome = "left"
        self._first: Step[Any] | None = None
        self._last: Step[Any] | None = None

    def follow(self, steps: Iterable[Step[Any]]) -> Iterator[Step[Any]]:
        """The same steps, the first and the last noted."""
        for step in steps:
            self._first, self._last = self._first or step, step
            yield step
        self._outcome = "done"

    def refuse(self, error: VizError) -> None:
        """Note that there will be no result."""
        self._outcome = "refused" if isinstance(error, BusyError) else "failed"

    def close(self) -> None:
        """Log and count it."""
        entry = self._entry()
        request_log.write(entry)
        OPERATION.count(entry)

    def _entry(self) -> Entry:
        key, done = self._request.key, self._outcome == "done"
        result = self._last.partial if done and self._last else None
        return Entry(
            self._request.analysis.name,
            request_log.name_of(self._request),
            key.device,
            key.mode,
            self._outcome,
            round(time.monotonic() - self._began, 4),
            round(result.origin.seconds, 4) if result else None,
            result.nbytes if result else 0,
            self._first.place if self._first else 0,
        )
