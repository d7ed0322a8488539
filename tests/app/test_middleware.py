"""What stands between the network and Streamlit: the policy, and the bounds of uploads."""

from __future__ import annotations

from typing import Any

import pytest

from convmixer_viz.app import middleware
from convmixer_viz.app.middleware import (
    LEAST,
    MIB,
    MOST_OF_ALL,
    MOST_OF_ONE,
    PERSON,
    People,
    Policy,
    Uploads,
    is_person,
)
from tests.conftest import in_a_loop


def put(session: str, size: int | None) -> dict[str, Any]:
    headers = [] if size is None else [(b"content-length", str(size).encode())]
    path = f"/_stcore/upload_file/{session}/file"
    return {"type": "http", "method": "PUT", "path": path, "headers": headers}


async def accepts(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b""})


def answer(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    in_a_loop(app(scope, None, send))
    return sent


def status(app: Any, scope: dict[str, Any]) -> int:
    return int(answer(app, scope)[0]["status"])


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Bytes in memory by session."""
    bytes_of: dict[str, int] = {}
    monkeypatch.setattr(middleware, "held_bytes", lambda: bytes_of)
    return bytes_of


def test_every_answer_carries_the_policy() -> None:
    start, *_ = answer(Policy(accepts), {"type": "http", "method": "GET", "path": "/"})
    headers = dict(start["headers"])
    assert headers[b"a"] == b"b"
    policy = headers[b"content-security-policy"].decode()
    assert "img-src 'self' data: blob:" in policy and "object-src 'none'" in policy


def cookies(scheme: str, *headers: tuple[bytes, bytes]) -> list[str]:
    page = {"type": "http", "method": "GET", "path": "/", "scheme": scheme, "headers": headers}
    start, *_ = answer(People(accepts), page)
    return [value.decode() for name, value in start["headers"] if name == b"set-cookie"]


def test_a_browser_gets_one_cookie_with_its_first_page() -> None:
    html = (b"accept", b"text/html,*/*")
    (first,), (other,) = cookies("http", html), cookies("http", html)
    assert first.startswith(f"{PERSON}=") and first.split(";")[0] != other.split(";")[0]
    assert "HttpOnly" in first and "SameSite=Lax" in first and "Secure" not in first
    assert "Secure" in cookies("https", html)[0]
    assert not cookies("http", (b"accept", b"*/*"))
    own = first.split(";")[0]
    assert not cookies("http", html, (b"cookie", f"a=b; {own}".encode()))


@pytest.mark.parametrize("value", ["", "x", "a" * 42, "a" * 44, "a" * 42 + "\n", "../" + "a" * 40])
def test_a_cookie_that_we_never_gave_is_nobodys(value: str) -> None:
    assert not is_person(value) and is_person("a" * 43)
    html, sent = (b"accept", b"text/html,*/*"), f"{PERSON}={value}".encode()
    assert len(cookies("http", html, (b"cookie", sent))) == 1


def test_one_session_is_bounded(held: dict[str, int]) -> None:
    app = Uploads(accepts)
    assert status(app, put("a", 19 * MIB)) == 204
    held["a"] = MOST_OF_ONE - MIB
    assert status(app, put("a", MIB)) == 204
    assert status(app, put("a", MIB + 1)) == 413
    assert status(app, put("b", MIB + 1)) == 204


def test_all_together_are_bounded(held: dict[str, int]) -> None:
    held.update({str(number): MOST_OF_ONE for number in range(MOST_OF_ALL // MOST_OF_ONE)})
    assert status(Uploads(accepts), put("new", 1)) == 413


def test_an_upload_without_a_length_counts_as_the_largest(held: dict[str, int]) -> None:
    held["a"] = MOST_OF_ONE - MIB
    assert status(Uploads(accepts), put("a", None)) == 413


def test_what_is_under_way_counts_and_is_forgotten_when_done(held: dict[str, int]) -> None:
    inner: list[int] = []

    async def another_meanwhile(scope: Any, receive: Any, send: Any) -> None:
        if not inner:
            inner.append(0)
            sent: list[Any] = []

            async def note(message: Any) -> None:
                sent.append(message)

            await app(put("a", MOST_OF_ONE), receive, note)
            inner[0] = sent[0]["status"]
        await accepts(scope, receive, send)

    app = Uploads(another_meanwhile)
    assert status(app, put("a", LEAST)) == 204
    assert inner == [413] and not app.coming
    assert status(app, put("a", MOST_OF_ONE)) == 204


def test_files_go_when_their_tab_is_gone_for_long(
    held: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, active, clock = [], {"here"}, [0.0]

    class Files:
        def remove_session_files(self, session: str) -> None:
            removed.append(session)
            held.pop(session, None)

    class Running:
        uploaded_file_mgr = Files()

        @staticmethod
        def exists() -> bool:
            return True

        @classmethod
        def instance(cls) -> Running:
            return cls()

        def is_active_session(self, session: str) -> bool:
            return session in active

    monkeypatch.setattr(middleware, "Runtime", Running)
    monkeypatch.setattr("convmixer_viz.app.middleware.time.monotonic", lambda: clock[0])
    held.update(here=1, gone=1, back=1)
    app = Uploads(accepts)
    app._sweep()
    assert removed == []
    active.add("back")
    clock[0] = 121.0
    app._sweep()
    assert removed == ["gone"] and held.keys() == {"here", "back"}
    active.clear()
    app._sweep()
    assert removed == ["gone"]  # their time begins now
