"""Turn-taking: fair, shared, resumable; failures reach everybody and leave nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from convmixer_viz.contract import Step
from convmixer_viz.engine import queue
from convmixer_viz.errors import BusyError


@pytest.fixture
def line() -> Iterator[queue.DeviceQueue]:
    line = queue.DeviceQueue(lambda: None, lambda name: nullcontext())
    yield line
    line.close()


def counting(total: int, seen: list[int], pause: float = 0.0) -> Iterator[Step[Any]]:
    for done in range(1, total + 1):
        time.sleep(pause)
        seen.append(done)
        yield Step(done, total, f"part {done}")  # type: ignore[type-var]


def last(steps: Iterator[Step[Any]]) -> Any:
    *_, step = steps
    return step.partial


def test_the_last_step_always_comes(line: queue.DeviceQueue) -> None:
    seen: list[int] = []
    for _ in range(50):
        assert last(line.follow("job", "job", lambda: counting(7, seen))) == "part 7"
    assert seen == [*range(1, 8)] * 50


def test_two_who_ask_for_the_same_share_one_computation(line: queue.DeviceQueue) -> None:
    seen: list[int] = []
    results: list[Any] = []

    def ask() -> None:
        results.append(last(line.follow("job", "job", lambda: counting(20, seen, 0.01))))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["part 20"] * 3
    assert seen == [*range(1, 21)]


def test_jobs_take_turns(line: queue.DeviceQueue) -> None:
    order: list[str] = []

    def work(name: str) -> Iterator[Step[Any]]:
        for done in range(1, 6):
            time.sleep(0.02)
            order.append(name)
            yield Step(done, 5)

    def follow(name: str) -> None:
        for _ in line.follow(name, name, lambda: work(name)):
            pass

    threads = [threading.Thread(target=follow, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "".join(order)[2:8] in ("ababab", "bababa")


def test_the_time_left_is_that_of_the_turns_after_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0, 5, 5, 7, 7, 8])  # seconds: a slow first turn, then two and one
    monkeypatch.setattr(queue, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    job = queue.Job("job", "job", counting(9, [], 0))
    assert [job.advance().seconds_left for _ in range(3)] == [5 * 8, 2 * 7, 1.5 * 6]


def test_who_leaves_suspends_the_work_and_who_returns_resumes_it(line: queue.DeviceQueue) -> None:
    seen: list[int] = []
    with closing(line.follow("job", "job", lambda: counting(30, seen, 0.01))) as steps:
        next(steps)
    time.sleep(0.1)
    stopped = len(seen)
    time.sleep(0.1)
    assert len(seen) == stopped < 30
    standing = line.latest_step("job")
    assert standing is not None and standing.seconds_left > 0
    assert (standing.done, standing.total, standing.partial) == (stopped, 30, f"part {stopped}")
    assert last(line.follow("job", "job", lambda: counting(30, [], 0))) == "part 30"
    assert seen == [*range(1, 31)]


def test_a_failure_reaches_every_caller_and_is_forgotten(line: queue.DeviceQueue) -> None:
    started = threading.Event()

    def failing() -> Iterator[Step[Any]]:
        yield Step(1, 3)
        started.wait()
        raise ValueError("broken")

    caught: list[Exception] = []

    def ask() -> None:
        try:
            last(line.follow("job", "job", failing))
        except ValueError as error:
            caught.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    started.set()
    for thread in threads:
        thread.join()
    assert [str(error) for error in caught] == ["broken", "broken"]
    assert last(line.follow("job", "job", lambda: counting(2, []))) == "part 2"


def test_work_that_ends_early_is_a_bug_that_shows(line: queue.DeviceQueue) -> None:
    def short() -> Iterator[Step[Any]]:
        yield Step(1, 2)

    with pytest.raises(RuntimeError, match="ended before its last step"):
        last(line.follow("job", "short work", short))


def test_patience_brings_the_latest_step_again(line: queue.DeviceQueue) -> None:
    steps = line.follow("job", "job", lambda: counting(2, [], 0.2), patience=0.02)
    told = [step.done for step in steps]
    assert told.count(1) > 2
    assert told[0] == 0
    assert told[-1] == 2


def test_a_full_queue_says_so_at_once(
    line: queue.DeviceQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "QUEUE_DEPTH", 1)
    with closing(line.follow("a", "a", lambda: counting(50, [], 0.02))) as steps:
        next(steps)
        with pytest.raises(BusyError, match="try again"):
            next(line.follow("b", "b", lambda: counting(1, [])))


def test_suspended_work_is_bounded(line: queue.DeviceQueue) -> None:
    for name in range(queue.MAX_SUSPENDED_JOBS + 5):
        with closing(line.follow(name, "job", lambda: counting(9, [], 0.01))) as steps:
            next(steps)
        while line.active:
            time.sleep(0.01)
    kept = [name for name in range(queue.MAX_SUSPENDED_JOBS + 5) if line.latest_step(name)]
    assert len(kept) <= queue.MAX_SUSPENDED_JOBS + 1


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    line = queue.DeviceQueue(lambda: None, lambda name: nullcontext())
    last(line.follow("job", "job", lambda: counting(3, [])))
    line.close()
    assert threading.active_count() == before
