"""The queue of one device: one thread does all its work, a turn is one step of one job."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from convmixer_viz.contract import Step, Steps
from convmixer_viz.errors import BusyError, DeviceError

MOST_OF_ONE = 16  # jobs of one person waiting or running; one more is refused with a BusyError
CLOSED = "This workbench is closed: make a new one to go on."
MAX_SUSPENDED_JOBS = 8  # jobs that nobody watches, kept so that asking again resumes them
SUSPENDED_BYTES = 2**30  # that they hold between them; the newest stays whatever it holds


@dataclass(slots=True, eq=False)
class Job:
    """One computation, shared by everybody who asked for it."""

    key: Hashable
    name: str  # of the work, for error messages
    steps: Iterator[Step[Any]]
    person: Hashable = None  # who began or resumed it; it takes that person's turns
    step: Step[Any] | None = None  # the latest
    error: Exception | None = None
    watchers: int = 0
    active: bool = False  # waiting for its turn or running
    over: bool = False
    turns: int = 0
    seconds: float = 0.0
    first_seconds: float = 0.0  # the first turn also loads the model
    held: int = 0  # bytes, counted when it was suspended

    def advance(self) -> Step[Any]:
        """Take one step and add up its seconds."""
        began = time.perf_counter()
        step = next(self.steps, None)
        if step is None:
            raise RuntimeError(f"{self.name} ended before its last step")
        seconds = time.perf_counter() - began
        self.seconds += seconds
        self.first_seconds = self.first_seconds or seconds
        return replace(step, seconds_left=self._seconds_left(step))

    def _seconds_left(self, step: Step[Any]) -> float:
        if step.done > 1:
            each = (self.seconds - self.first_seconds) / (step.done - 1)
        else:
            each = self.first_seconds
        return each * (step.total - step.done)


class Suspended(NamedTuple):
    """The jobs that nobody watches."""

    jobs: int  # that asking again resumes
    nbytes: int  # that they hold
    given_up: int  # so far, because there were too many or they held too much: they start afresh


class DeviceQueue:
    """Jobs that share a device fairly: people take turns of one step, first come first served, and
    so do the jobs of each; one thread takes them all. `prepare_thread` runs first in it; every step
    runs inside `guard(name of the job)`; `held` counts the bytes of a job between its steps."""

    def __init__(
        self,
        prepare_thread: Callable[[], None],
        guard: Callable[[str], AbstractContextManager[None]],
        held: Callable[[Iterator[Step[Any]]], int] = lambda steps: 0,
        suspended_bytes: int = SUSPENDED_BYTES,
    ) -> None:
        self._executor = ThreadPoolExecutor(1, "device", initializer=prepare_thread)
        self._guard, self._held, self._suspended_bytes = guard, held, suspended_bytes
        self._given_up = 0
        self._changed = threading.Condition()
        self._jobs: dict[Hashable, Job] = {}
        self._waiting: dict[Hashable, deque[Job]] = {}  # by person, who is next first

    def follow(
        self,
        key: Hashable,
        name: str,
        start: Callable[[], Iterator[Step[Any]]],
        patience: float | None = None,
        *,
        person: Hashable = None,
    ) -> Steps[Any]:
        """Steps of the job with that key, begun by `start` where there is none yet. With patience
        (seconds) the latest step comes again when nothing new did; steps may be skipped, never the
        last. Closing the iterator leaves the job; a job that nobody follows is suspended.
        People wait as long as it takes; one `person` may have so many jobs at once."""
        job = self._join(key, name, start, person=person)
        try:
            yield from self._watch(job, patience)
        finally:
            self._leave(job)

    def latest_step(self, key: Hashable) -> Step[Any] | None:
        """The latest step of a waiting, running or suspended job; None where there is none."""
        job = self._jobs.get(key)
        return job.step if job else None

    def close(self) -> None:
        """End the thread after the step that it is in; who still waits gets a DeviceError."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            self._waiting.clear()
            for job in list(self._jobs.values()):
                self._abandon(job)

    @property
    def active(self) -> int:
        """Jobs waiting or running."""
        return sum(job.active for job in list(self._jobs.values()))

    @property
    def suspended(self) -> Suspended:
        """The jobs that nobody watches, and the bytes that they hold."""
        jobs = self._suspended()
        return Suspended(len(jobs), sum(job.held for job in jobs), self._given_up)

    def give_up_suspended(self) -> bool:
        """Let go of all that suspended jobs hold; whether there was any."""
        with self._changed:
            jobs = self._suspended()
            self._give_up(jobs)
        return bool(jobs)

    def _suspended(self) -> list[Job]:
        """Suspended longest ago first."""
        return [j for j in list(self._jobs.values()) if not j.active and not j.watchers]

    def _watch(self, job: Job, patience: float | None) -> Steps[Any]:
        turns, over = 0, False
        while not over:
            with self._changed:
                self._changed.wait_for(lambda: job.over or job.turns > turns, patience)  # noqa: B023
                turns, over, ahead = job.turns, job.over, self.active - 1
                step = job.step or Step(0, 1)
            if job.error:
                raise job.error
            yield replace(step, ahead=max(ahead, 0))

    def _join(
        self,
        key: Hashable,
        name: str,
        start: Callable[[], Iterator[Step[Any]]],
        *,
        person: Hashable,
    ) -> Job:
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                self._admit(person)
                job = self._jobs[key] = Job(key, name, start())
            job.watchers += 1
            if not job.active:
                job.person = person
                self._enqueue(job)
            return job

    def _admit(self, person: Hashable) -> None:
        own = sum(job.active and job.person == person for job in self._jobs.values())
        if own >= MOST_OF_ONE:
            raise BusyError(f"{own} of your jobs are waiting: try again when one is done.")

    def _leave(self, job: Job) -> None:
        with self._changed:
            job.watchers -= 1

    def _enqueue(self, job: Job) -> None:
        job.active = True
        self._waiting.setdefault(job.person, deque()).append(job)
        try:
            self._executor.submit(self._turn)
        except RuntimeError:  # the interpreter or this queue is shutting down
            self._abandon(job)

    def _abandon(self, job: Job) -> None:
        job.active, job.over = False, True
        job.error = DeviceError(CLOSED)
        del self._jobs[job.key]
        self._changed.notify_all()

    def _next(self) -> Job:
        """The oldest job of the person whose turn it is, who then is the last."""
        with self._changed:
            person = next(iter(self._waiting))
            jobs = self._waiting.pop(person)
            job = jobs.popleft()
            if jobs:
                self._waiting[person] = jobs
            return job

    def _turn(self) -> None:
        job, step, error = self._next(), None, None
        try:
            if job.watchers:
                with self._guard(job.name):
                    step = job.advance()
            if not job.watchers:
                job.held = self._held(job.steps)
        except Exception as caught:
            error = caught
        with self._changed:
            self._publish(job, step, error)
            self._changed.notify_all()

    def _publish(self, job: Job, step: Step[Any] | None, error: Exception | None) -> None:
        job.active, job.error = False, error
        if step:
            job.step, job.turns = step, job.turns + 1
        if error or (step and step.done == step.total):
            job.over = True
            del self._jobs[job.key]
        elif job.watchers:
            self._enqueue(job)
        else:
            self._suspend(job)

    def _suspend(self, job: Job) -> None:
        """Keep it as the newest; the oldest give up until the rest are few and small enough."""
        self._jobs[job.key] = self._jobs.pop(job.key)
        jobs = self._suspended()
        kept = jobs[-MAX_SUSPENDED_JOBS:]
        while len(kept) > 1 and sum(one.held for one in kept) > self._suspended_bytes:
            kept = kept[1:]
        self._give_up(jobs[: len(jobs) - len(kept)])

    def _give_up(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            del self._jobs[job.key]
        self._given_up += len(jobs)
