"""Turn-taking: fair, shared, resumable; failures reach everybody and leave nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from convmixer_viz.contract import Step
from convmixer_viz.engine import queue
from convmixer_viz.engine.holdings import held_bytes
from convmixer_viz.engine.queue import DeviceQueue
from convmixer_viz.errors import BusyError, DeviceError


@pytest.fixture
def device_queue() -> Iterator[DeviceQueue]:
    device_queue = DeviceQueue(lambda: None, lambda name: nullcontext())
    yield device_queue
    device_queue.close()


def counting(total: int, computed: list[int], pause: float = 0.0) -> Iterator[Step[Any]]:
    for done in range(1, total + 1):
        time.sleep(pause)
        computed.append(done)
        yield Step(done, total, f"part {done}")


def last(steps: Iterator[Step[Any]]) -> Any:
    *_, step = steps
    return step.partial


def test_the_last_step_always_comes(device_queue: DeviceQueue) -> None:
    computed: list[int] = []
    for _ in range(50):
        assert last(device_queue.follow("job", "job", lambda: counting(7, computed))) == "part 7"
    assert computed == [*range(1, 8)] * 50


def test_two_who_ask_for_the_same_share_one_computation(device_queue: DeviceQueue) -> None:
    computed: list[int] = []
    results: list[Any] = []

    def ask() -> None:
        results.append(
            last(device_queue.follow("job", "job", lambda: counting(20, computed, 0.01)))
        )

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["part 20"] * 3
    assert computed == [*range(1, 21)]


def test_jobs_take_turns(device_queue: DeviceQueue) -> None:
    order: list[str] = []

    def work(name: str) -> Iterator[Step[Any]]:
        for done in range(1, 6):
            time.sleep(0.02)
            order.append(name)
            yield Step(done, 5)

    def follow(name: str) -> None:
        for _ in device_queue.follow(name, name, lambda: work(name)):
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


def test_who_leaves_suspends_the_work_and_who_returns_resumes_it(device_queue: DeviceQueue) -> None:
    computed: list[int] = []
    with closing(device_queue.follow("job", "job", lambda: counting(30, computed, 0.01))) as steps:
        next(steps)
    time.sleep(0.1)
    stopped = len(computed)
    time.sleep(0.1)
    assert len(computed) == stopped < 30
    step = device_queue.latest_step("job")
    assert step is not None and step.seconds_left is not None and step.seconds_left > 0
    assert (step.done, step.total, step.partial) == (stopped, 30, f"part {stopped}")
    assert last(device_queue.follow("job", "job", lambda: counting(30, [], 0))) == "part 30"
    assert computed == [*range(1, 31)]


def test_a_failure_reaches_every_caller_and_is_forgotten(device_queue: DeviceQueue) -> None:
    started = threading.Event()

    def failing() -> Iterator[Step[Any]]:
        yield Step(1, 3)
        started.wait()
        raise ValueError("broken")

    caught: list[Exception] = []

    def ask() -> None:
        try:
            last(device_queue.follow("job", "job", failing))
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
    assert last(device_queue.follow("job", "job", lambda: counting(2, []))) == "part 2"


def test_work_that_ends_early_is_a_bug_that_shows(device_queue: DeviceQueue) -> None:
    def short() -> Iterator[Step[Any]]:
        yield Step(1, 2)

    with pytest.raises(RuntimeError, match="ended before its last step"):
        last(device_queue.follow("job", "short work", short))


def test_patience_brings_the_latest_step_again(device_queue: DeviceQueue) -> None:
    steps = device_queue.follow("job", "job", lambda: counting(2, [], 0.2), patience=0.02)
    done = [step.done for step in steps]
    assert done.count(1) > 2
    assert done[0] == 0
    assert done[-1] == 2


def test_only_one_with_too_many_jobs_is_refused(
    device_queue: DeviceQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_OF_ONE", 1)
    long = device_queue.follow("a", "a", lambda: counting(50, [], 0.02), person="Ann")
    with closing(long) as steps:
        next(steps)
        with pytest.raises(BusyError, match="1 of your jobs"):
            next(device_queue.follow("b", "b", lambda: counting(1, []), person="Ann"))
        assert last(device_queue.follow("c", "c", lambda: counting(1, []), person="Bob"))


def test_people_take_turns_whatever_the_number_of_their_jobs(device_queue: DeviceQueue) -> None:
    order, gate = [], threading.Event()

    def work(name: str) -> Iterator[Step[Any]]:
        gate.wait(5)
        for done in range(1, 5):
            order.append(name)
            yield Step(done, 4)

    def ask(name: str, person: str) -> None:
        last(device_queue.follow(name, name, lambda: work(name), person=person))

    asked = ("a1", "a2", "a3", "b1")
    threads = [threading.Thread(target=ask, args=(name, name[0])) for name in asked]
    for active, thread in enumerate(threads, 1):
        thread.start()
        while device_queue.active < active:
            time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join(5)
    assert len(order) == 16
    assert [name[0] for name in order].index("b") <= 2
    assert [place for place, name in enumerate(order) if name == "b1"][-1] <= 9


def run_in_order(
    device_queue: DeviceQueue, asked: dict[str, tuple[int, float | None]]
) -> list[str]:
    """Names in the order of their turns: who asks for how many steps, expected to take how long."""
    order, gate = [], threading.Event()

    def work(name: str, steps: int) -> Iterator[Step[Any]]:
        for done in range(1, steps + 1):
            gate.wait(5)
            order.append(name)
            yield Step(done, steps)

    def ask(name: str) -> None:
        steps, expected = asked[name]
        last(
            device_queue.follow(
                name, name, lambda: work(name, steps), person=name, expected=expected
            )
        )

    threads = [threading.Thread(target=ask, args=(name,)) for name in asked]
    for active, thread in enumerate(threads, 1):
        thread.start()
        while device_queue.active < active:
            time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join(5)
    return order


def test_short_work_goes_before_long_which_gets_every_fourth_turn(
    device_queue: DeviceQueue,
) -> None:
    shorts: dict[str, tuple[int, float | None]] = {f"s{n}": (1, 0.1) for n in range(8)}
    order = run_in_order(device_queue, {**shorts, "long": (3, 9.0)})
    short = ["s0", "s1", "s2", "long", "s3", "s4", "s5", "long", "s6", "s7", "long"]
    assert order == short


def test_work_that_takes_longer_than_expected_is_long() -> None:
    job = queue.Job("job", "job", counting(9, [], 0), expected=0.1)
    others = [queue.Job(name, name, counting(1, []), expected=0.2) for name in "abc"]
    assert queue.is_short(job, [job, *others])
    job.seconds = 1.0
    assert not queue.is_short(job, [job, *others])
    new = queue.Job("new", "new", counting(9, []))
    assert queue.is_short(new, [new, *others])  # nobody knows


def test_what_is_short_depends_on_the_company() -> None:
    def job(expected: float) -> queue.Job:
        return queue.Job(expected, "job", counting(1, []), expected)

    slow = [job(seconds) for seconds in (3, 4, 5, 60)]
    assert [queue.is_short(each, slow) for each in slow] == [True, True, True, False]
    quick = [job(seconds) for seconds in (0.01, 0.02, 0.03, 0.09, 0.9)]
    assert [queue.is_short(each, quick) for each in quick] == [True, True, True, True, False]
    assert queue.is_short(job(60), [job(60)])


def test_place_and_time_left_are_told_to_who_waits(device_queue: DeviceQueue) -> None:
    gate = threading.Event()

    def work() -> Iterator[Step[Any]]:
        gate.wait(5)
        yield Step(1, 1)

    def follow(name: str, expected: float | None) -> Step[Any]:
        steps = device_queue.follow(name, name, work, 0.01, person=name, expected=expected)
        waiting.append(steps)
        return next(steps)

    waiting: list[Any] = []
    follow("running", 0.5)
    while device_queue._short:
        time.sleep(0.001)
    told = [follow(*each) for each in (("a", 0.2), ("b", 4.0), ("c", 0.3), ("d", None))]
    assert [step.place for step in told] == [1, 2, 2, 3]
    assert [step.ahead for step in told] == [1, 2, 3, 4]
    assert [step.seconds_left for step in told[:3]] == pytest.approx(
        [0.2 + 0.2, 4 + 0.5 + 0.2, 0.3 + 0.3 + 0.2]  # c is short: it doesn't wait for b
    )
    assert told[3].seconds_left is None
    gate.set()
    for steps in waiting:
        steps.close()


def test_places_count_rounds_of_people() -> None:
    ring, jobs = queue.Ring(), []
    for name in ("a1", "a2", "a3", "b1", "c1", "c2"):
        job = queue.Job(name, name, counting(1, []), person=name[0])
        jobs.append(job)
        ring.push(job)
    places = {job.name: ring.place(job) for job in jobs}
    order = [ring.pop().name for _ in jobs]
    assert order == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert places == {name: place for place, name in enumerate(order)}
    assert ring.place(jobs[0]) is None


def test_all_together_are_bounded(
    device_queue: DeviceQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_OF_ALL", 2)
    waiting = [
        device_queue.follow(name, name, lambda: counting(90, [], 0.01), person=name)
        for name in "ab"
    ]
    for steps in waiting:
        next(steps)
    with pytest.raises(BusyError, match="2 jobs are waiting here"):
        next(device_queue.follow("c", "c", lambda: counting(1, []), person="c"))
    next(device_queue.follow("a", "a", lambda: counting(1, []), person="c")).done  # noqa: B018
    for steps in waiting:
        steps.close()


def test_suspended_work_is_bounded(device_queue: DeviceQueue) -> None:
    for name in range(queue.MAX_SUSPENDED_JOBS + 5):
        with closing(device_queue.follow(name, "job", lambda: counting(9, [], 0.01))) as steps:
            next(steps)
        while device_queue.active:
            time.sleep(0.01)
    kept = [name for name in range(queue.MAX_SUSPENDED_JOBS + 5) if device_queue.latest_step(name)]
    assert len(kept) <= queue.MAX_SUSPENDED_JOBS + 1


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    device_queue = DeviceQueue(lambda: None, lambda name: nullcontext())
    last(device_queue.follow("job", "job", lambda: counting(3, [])))
    device_queue.close()
    assert threading.active_count() == before


def test_before_all_stops_work_goes_on_without_anybody(device_queue: DeviceQueue) -> None:
    computed: list[int] = []
    with closing(device_queue.follow("job", "job", lambda: counting(20, computed, 0.01))) as steps:
        next(steps)
        device_queue.finish_by(time.monotonic() + 5)
        with pytest.raises(DeviceError, match="server is stopping"):
            next(device_queue.follow("new", "new", lambda: counting(1, [])))
    device_queue.close()
    assert computed == [*range(1, 21)]


def test_what_takes_longer_than_the_time_left_is_ended(device_queue: DeviceQueue) -> None:
    computed: list[int] = []
    with closing(device_queue.follow("job", "job", lambda: counting(500, computed, 0.01))) as steps:
        next(steps)
        device_queue.finish_by(time.monotonic() + 0.1)
        began = time.monotonic()
        device_queue.close()
    assert time.monotonic() - began < 2 and len(computed) < 500


def test_a_closed_queue_refuses(device_queue: DeviceQueue) -> None:
    device_queue.close()
    with pytest.raises(DeviceError, match="is closed"):
        next(device_queue.follow("job", "job", lambda: counting(1, []), patience=5))


def test_who_waits_when_the_queue_closes_is_told(device_queue: DeviceQueue) -> None:
    """The job in its step, and the one whose turn hasn't come."""
    caught: list[str] = []

    def ask(name: str) -> None:
        try:
            last(device_queue.follow(name, name, lambda: counting(99, [], 0.05)))
        except DeviceError as error:
            caught.append(str(error))

    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in "ab"]
    for thread in threads:
        thread.start()
    while device_queue.active < 2:
        time.sleep(0.01)
    device_queue.close()
    for thread in threads:
        thread.join(5)
    assert caught == [queue.CLOSED] * 2


def holding(bytes_held: int) -> Iterator[Step[Any]]:
    """A stand-in for an analysis that holds so many bytes between its steps."""
    array = np.zeros(bytes_held, np.uint8)
    for done in range(1, 10_000):
        time.sleep(0.001)  # so that it isn't over before its only watcher leaves
        yield Step(done, 10_000, int(array[0]) + done)


@pytest.fixture
def small_queue() -> Iterator[DeviceQueue]:
    """Its suspended jobs may hold 1,000 bytes."""
    small = DeviceQueue(lambda: None, lambda name: nullcontext(), held_bytes, 1000)
    yield small
    small.close()


def suspend(small: DeviceQueue, name: str, bytes_held: int) -> None:
    with closing(small.follow(name, name, lambda: holding(bytes_held))) as steps:
        next(steps)
    while small.active:
        time.sleep(0.005)


def test_suspended_jobs_share_a_budget_and_the_oldest_gives_up(small_queue: DeviceQueue) -> None:
    for name in "abc":
        suspend(small_queue, name, 400)
    assert small_queue.suspended == (2, 800, 1)
    assert small_queue.latest_step("a") is None
    with closing(small_queue.follow("a", "a", lambda: holding(400))) as steps:
        assert next(steps).done <= 1  # afresh
    while small_queue.active:
        time.sleep(0.005)
    assert small_queue.latest_step("b") is None and small_queue.latest_step("c")


def test_the_one_suspended_last_stays_whatever_it_holds(small_queue: DeviceQueue) -> None:
    suspend(small_queue, "small", 100)
    suspend(small_queue, "large", 5000)
    assert small_queue.suspended == (1, 5000, 1)


def test_the_oldest_is_the_one_suspended_longest_ago(small_queue: DeviceQueue) -> None:
    for name in ("a", "b", "a", "c"):
        suspend(small_queue, name, 400)
    assert small_queue.latest_step("b") is None and small_queue.latest_step("a")


def test_what_a_suspended_job_held_is_freed(small_queue: DeviceQueue) -> None:
    import weakref

    work = holding(100)
    gone = weakref.ref(work)
    small_queue_follow = small_queue.follow("a", "a", lambda work=work: work)  # type: ignore[misc]
    del work
    with closing(small_queue_follow) as steps:
        next(steps)
    del steps, small_queue_follow
    while small_queue.active:
        time.sleep(0.005)
    assert small_queue.give_up_suspended() and not small_queue.give_up_suspended()
    time.sleep(0.05)
    assert gone() is None
