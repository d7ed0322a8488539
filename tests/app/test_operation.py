"""What the server tells its owner: a line a request, counters, its health; strangers see none."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from convmixer_viz.app import middleware, operation, request_log, routes
from convmixer_viz.app.operation import Account, Operation
from convmixer_viz.app.request_log import Entry, JsonLines
from convmixer_viz.app.routes import Health
from convmixer_viz.commands.app import LOG_VARIABLE, OWNER_KEY_VARIABLE, PUBLIC_VARIABLE
from convmixer_viz.contract import Step
from convmixer_viz.errors import BusyError, DeviceError
from convmixer_viz.pictures.decode import decode
from convmixer_viz.workbench import Workbench
from tests.app.test_pictures import png
from tests.conftest import TINY, calibrated

ENTRY = Entry("kernels", "cifar10-256-8", "cpu", "exact", "done", 2.0, 1.5, 100, 3)


@pytest.fixture
def bench() -> Iterator[Workbench]:
    bench = Workbench("cpu")
    bench.add("tiny", calibrated(TINY).state_dict(), activation="gelu", preprocess="cifar10-256-8")
    yield bench
    bench.close()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.delenv(PUBLIC_VARIABLE, raising=False)
    return TestClient(Starlette(routes=routes.ROUTES))


def test_a_request_is_a_line_without_names_of_files(
    bench: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    _, content, _ = png("secret-name.png")
    request = bench.request("prediction", [decode(content, "secret-name.png")], preset="tiny")
    account = Account(request)
    with caplog.at_level(logging.INFO, logger=request_log.__name__):
        steps = list(account.follow(bench.follow(request, person="Ann")))
        account.close()
    (record,) = caplog.records
    assert "secret" not in record.getMessage() and "tiny" not in record.getMessage()
    assert record.getMessage().startswith("done prediction added-")
    written = json.loads(JsonLines().format(record))
    result = steps[-1].partial
    assert result is not None and "secret" not in str(written)
    assert {"outcome": "done", "nbytes": result.nbytes, "device": "cpu"}.items() <= written.items()
    assert written["computed"] == round(result.origin.seconds, 4)
    assert written["seconds"] >= written["computed"] > 0


def outcome_of(account: Account, caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger=request_log.__name__):
        account.close()
    (record,) = caplog.records
    return record.getMessage().split()[0]


def test_each_way_to_end_has_its_word(bench: Workbench, caplog: pytest.LogCaptureFixture) -> None:
    request = bench.request("prediction", preset="tiny")
    left, refused, failed = (Account(request) for _ in range(3))
    next(left.follow([Step(0, 1, place=4)]))
    refused.refuse(BusyError("full"))
    failed.refuse(DeviceError("no memory"))
    assert [outcome_of(each, caplog) for each in (left, refused, failed)] == [
        "left",
        "refused",
        "failed",
    ]


def test_json_keeps_a_traceback_in_its_line() -> None:
    try:
        raise KeyError("x")
    except KeyError as error:
        record = logging.LogRecord("a", 40, "", 0, "oh %s", ("no",), (KeyError, error, None))
    line = json.loads(JsonLines().format(record))
    assert line["message"] == "oh no" and "KeyError" in line["traceback"]


def test_the_log_has_the_form_that_the_command_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = logging.getLogger("convmixer_viz")
    before = package.handlers, package.level, package.propagate
    try:
        for form in ("json", "text"):
            monkeypatch.setenv(LOG_VARIABLE, form)
            request_log.begin()
            request_log.write(ENTRY)
    finally:
        package.handlers, level, package.propagate = before
        package.setLevel(level)
    first, second = capsys.readouterr().err.splitlines()
    assert json.loads(first)["place"] == 3
    assert second.endswith(
        "done kernels cifar10-256-8 cpu exact waited=2.000s computed=1.500s bytes=100 place=3"
    )


def test_people_are_those_seen_of_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "MOST_PEOPLE", 3)
    monkeypatch.setattr(middleware, "held_bytes", dict)
    operation_of_one = Operation()
    for person in ("Ann", "Bob", "Ann", "Cid", "Dan"):
        operation_of_one.see(person)
    assert operation_of_one.standing()["people"] == 3
    later = time.monotonic() + operation.PRESENT + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert operation_of_one.standing()["people"] == 0


def test_metrics_count_requests(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "held_bytes", dict)
    fresh = Operation()
    monkeypatch.setattr(routes, "OPERATION", fresh)
    fresh.count(ENTRY)
    text = client.get("/metrics").text
    assert 'convmixer_viz_requests_total{analysis="kernels",outcome="done"} 1.0' in text
    assert 'convmixer_viz_wait_seconds_sum{analysis="kernels"} 2.0' in text
    assert 'convmixer_viz_device_seconds_total{analysis="kernels"} 1.5' in text
    assert "people 0\n" in client.get("/status").text


def test_strangers_see_neither_metrics_nor_status(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "held_bytes", dict)
    monkeypatch.setenv(PUBLIC_VARIABLE, "yes")
    monkeypatch.delenv(OWNER_KEY_VARIABLE, raising=False)
    for address in ("/metrics", "/status"):
        assert client.get(address).status_code == 403
        empty = {"Authorization": "Bearer "}
        assert client.get(address, headers=empty).status_code == 403  # no key isn't an empty one
    monkeypatch.setenv(OWNER_KEY_VARIABLE, "long and secret")
    for key, status in (("wrong", 403), ("long and secret", 200)):
        answer = client.get("/status", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status


@dataclass
class Probed:
    """A stand-in for the workbench, whose probe takes long or fails."""

    answer: Any
    probes: int = 0

    def probe(self) -> float | None:
        self.probes += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def test_health_runs_a_model_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmixer_viz.app import session

    probed = Probed(0.25)
    monkeypatch.setattr(session, "bench", lambda: probed)
    health = Health()
    assert health.answer() == health.answer() == (200, {"runs": True, "seconds": 0.25})
    assert probed.probes == 1
    probed.answer = DeviceError("stuck")
    later = time.monotonic() + routes.HEALTH_AGE + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert health.answer() == (503, {"runs": False, "reason": "stuck"})
