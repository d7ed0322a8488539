"""The queue of one device: one thread does all its work, a turn is one step of one job."""

from __future__ import annotations

import statistics
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
MOST_OF_ALL = 512  # of everybody's: without cookies, each tab is a person
# work that takes no longer than so many times what the median job takes that is there goes before
# the rest; stricter orders (a bound of a second, least time first) let some of one kind wait more
# than three times its median, in a crowd and in a simulation with the seconds measured there
TYPICAL = 2.0
SHORT = 0.1  # seconds that are short in any company
SHORT_TURNS = 3  # but for one turn of the longer after so many of the shorter
STOPPING = "This server is stopping: reload the page in a minute."
CLOSED = "This workbench is closed: make a new one to go on."
MAX_SUSPENDED_JOBS = 8  # jobs that nobody watches, kept so that asking again resumes them
SUSPENDED_BYTES = 2**30  # that they hold between them; the newest stays whatever it holds


@dataclass(slots=True, eq=False)
class Job:
    """One computation, shared by everybody who asked for it."""

    key: Hashable
    name: str  # of the work, for error messages
    steps: Iterator[Step[Any]]
    expected: float | None = None  # seconds in all, where it is known beforehand
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

    @property
    def cost(self) -> float:
        """Seconds in all, by what is expected as long as it hasn't taken more."""
        return max(self.seconds, self.expected or 0.0)

    @property
    def left(self) -> float | None:
        """Seconds of turns that it still takes; None where nobody knows."""
        return self.step.seconds_left if self.step else self.expected

    def _seconds_left(self, step: Step[Any]) -> float:
        if step.done > 1:
            each = (self.seconds - self.first_seconds) / (step.done - 1)
        else:
            each = self.first_seconds
        return each * (step.total - step.done)


def is_short(job: Job, company: Sequence[Job]) -> bool:
    """Whether a job goes before the long ones of all that are there, itself among them."""
    return job.cost <= max(SHORT, TYPICAL * statistics.median(other.cost for other in company))


class Ring:
    """People in turn, and the jobs of each in turn."""

    def __init__(self) -> None:
        self._jobs: dict[Hashable, deque[Job]] = {}  # by person, who is next first

    def __len__(self) -> int:
        return sum(map(len, self._jobs.values()))

    def push(self, job: Job) -> None:
        """The last job of its person, who is the last of all unless in the ring already."""
        self._jobs.setdefault(job.person, deque()).append(job)

    def pop(self) -> Job:
        """The oldest job of the person whose turn it is, who then is the last."""
        person = next(iter(self._jobs))
        jobs = self._jobs.pop(person)
        job = jobs.popleft()
        if jobs:
            self._jobs[person] = jobs
        return job

    def place(self, job: Job) -> int | None:
        """How many turns come before the job's; None where it isn't here."""
        own = self._jobs.get(job.person, ())
        if job not in own:
            return None
        rounds, people = list(own).index(job), list(self._jobs)
        before = people.index(job.person)
        ahead = (min(len(self._jobs[p]), rounds + (n < before)) for n, p in enumerate(people))
        return sum(ahead)

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()


class Suspended(NamedTuple):
    """The jobs that nobody watches."""

    jobs: int  # that asking again resumes
    nbytes: int  # that they hold
    given_up: int  # so far, because there were too many or they held too much: they start afresh


class DeviceQueue:
    """Jobs that share a device fairly: people take turns of one step, first come first served, and
    so do the jobs of each; short work goes before long, which gets every fourth turn all the same.
    One thread takes them all. `prepare_thread` runs first in it; every step
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
        self.last_turn = 0.0  # monotonic seconds, when it ended
        self._changed = threading.Condition()
        self._jobs: dict[Hashable, Job] = {}
        self._short, self._long = Ring(), Ring()
        self._deadline = 0.0  # monotonic seconds, once nothing new is taken
        self._short_turns = 0  # since the last one of longer work

    def follow(
        self,
        key: Hashable,
        name: str,
        start: Callable[[], Iterator[Step[Any]]],
        patience: float | None = None,
        *,
        person: Hashable = None,
        expected: float | None = None,
    ) -> Steps[Any]:
        """Steps of the job with that key, begun by `start` where there is none yet. With patience
        (seconds) the latest step comes again when nothing new did; steps may be skipped, never the
        last. Closing the iterator leaves the job; a job that nobody follows is suspended.
        People wait as long as it takes; one `person`, and all together, may have so many jobs at
        once. `expected`: the seconds that the whole work takes by itself, where they are known."""
        job = self._join(Job(key, name, start(), expected, person))
        try:
            yield from self._watch(job, patience)
        finally:
            self._leave(job)

    def latest_step(self, key: Hashable) -> Step[Any] | None:
        """The latest step of a waiting, running or suspended job; None where there is none."""
        job = self._jobs.get(key)
        return job.step if job else None

    def finish_by(self, deadline: float) -> None:
        """Take no more work; what waits or runs goes on, whoever leaves, until a time of the
        monotonic clock. It takes no lock: a signal's handler may call it."""
        self._deadline = deadline

    def close(self) -> None:
        """End the thread after the step that it is in, or what finish_by() leaves time for; who
        still waits gets a DeviceError."""
        with self._changed:
            left = max(0.0, self._deadline - time.monotonic())
            self._changed.wait_for(lambda: not self._active(), left)
        self._executor.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            self._short.clear()
            self._long.clear()
            for job in list(self._jobs.values()):
                self._abandon(job)

    @property
    def active(self) -> int:
        """Jobs waiting or running."""
        return len(self._active())

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

    def _active(self) -> list[Job]:
        return [job for job in list(self._jobs.values()) if job.active]

    def _suspended(self) -> list[Job]:
        """Suspended longest ago first."""
        return [j for j in list(self._jobs.values()) if not j.active and not j.watchers]

    def _watch(self, job: Job, patience: float | None) -> Steps[Any]:
        turns, over = 0, False
        while not over:
            with self._changed:
                self._changed.wait_for(lambda: job.over or job.turns > turns, patience)  # noqa: B023
                turns, over, step = job.turns, job.over, self._standing(job)
            if job.error:
                raise job.error
            yield step

    def _standing(self, job: Job) -> Step[Any]:
        """The latest step of a job, with what it waits for."""
        step, others = job.step or Step(0, 1), [o for o in self._active() if o is not job]
        left = step.seconds_left if job.over else self._seconds_left(job, others)
        return replace(step, seconds_left=left, ahead=len(others), place=self._place(job))

    def _seconds_left(self, job: Job, others: Sequence[Job]) -> float | None:
        """Until the job is done: each other one takes as many turns meanwhile, or ends. Short work
        doesn't wait for long."""
        own = job.left
        if own is None:
            return None
        company = [job, *others]
        short = is_short(job, company)
        shared = [other for other in others if not short or is_short(other, company)]
        return own + sum(own if o.left is None else min(o.left, own) for o in shared)

    def _place(self, job: Job) -> int:
        short, long = self._short.place(job), self._long.place(job)
        if short is not None:
            return short + 1 + min(len(self._long), short // SHORT_TURNS)
        if long is not None:
            return long + 1 + min(len(self._short), SHORT_TURNS * (long + 1))
        return 0

    def _join(self, new: Job) -> Job:
        with self._changed:
            job = self._jobs.get(new.key)
            if job is None:
                self._admit(new.person)
                job = self._jobs[new.key] = new
            job.watchers += 1
            if not job.active:
                job.person = new.person
                self._enqueue(job)
            return job

    def _goes_on(self, job: Job) -> bool:
        """Whether a job is worked on: while anybody watches, or to its end before all stops."""
        return job.watchers > 0 or time.monotonic() < self._deadline

    def _admit(self, person: Hashable) -> None:
        if self._deadline:
            raise DeviceError(STOPPING)
        active = self._active()
        own = sum(job.person == person for job in active)
        if own >= MOST_OF_ONE:
            raise BusyError(f"{own} of your jobs are waiting: try again when one is done.")
        if len(active) >= MOST_OF_ALL:
            raise BusyError(
                f"{len(active)} jobs are waiting here, and no more are taken: try again in a "
                "minute."
            )

    def _leave(self, job: Job) -> None:
        with self._changed:
            job.watchers -= 1

    def _enqueue(self, job: Job) -> None:
        job.active = True
        (self._short if is_short(job, self._active()) else self._long).push(job)
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
        with self._changed:
            long_is_due = self._short_turns >= SHORT_TURNS and len(self._long)
            if len(self._short) and not long_is_due:
                self._short_turns += 1
                return self._short.pop()
            self._short_turns = 0
            return self._long.pop()

    def _turn(self) -> None:
        job, step, error = self._next(), None, None
        try:
            if self._goes_on(job):
                with self._guard(job.name):
                    step = job.advance()
            if not job.watchers:
                job.held = self._held(job.steps)
        except Exception as caught:
            error = caught
        with self._changed:
            self.last_turn = time.monotonic()
            self._publish(job, step, error)
            self._changed.notify_all()

    def _publish(self, job: Job, step: Step[Any] | None, error: Exception | None) -> None:
        job.active, job.error = False, error
        if step:
            job.step, job.turns = step, job.turns + 1
        if error or (step and step.done == step.total):
            job.over = True
            del self._jobs[job.key]
        elif self._goes_on(job):
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
