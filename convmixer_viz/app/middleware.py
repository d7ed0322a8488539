"""What stands between the network and Streamlit: what a page may load, and how much is uploaded."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MIB = 2**20
PERSON = "convmixer_viz_person"  # the cookie that tells one browser from another
VALUE = re.compile(r"[A-Za-z0-9_-]{43}")  # of the cookie: 32 random bytes in base64
UPLOADS = "/_stcore/upload_file/"  # …/session/file
MOST_OF_ONE = 512 * MIB  # bytes of one session's uploads
MOST_OF_ALL = 1024 * MIB  # bytes of everybody's
LEAST = 4096  # bytes that any upload counts as, were it empty
FULL = b"No more uploads: remove some, or wait until others have gone."
# what Streamlit needs: an inline script, wasm, eval, blobs of components; pictures of its own only
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Tells the browser with every answer what a page may load, and from where."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self.app(scope, receive, with_policy if scope["type"] == "http" else send)


@dataclass(frozen=True, slots=True)
class People:
    """Gives each browser that asks for a page, and has none yet, a random cookie: a person."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", new_person(scope))]
            await send(message)

        await self.app(scope, receive, with_cookie if is_stranger(scope) else send)


@dataclass(slots=True)
class Uploads:
    """Refuses uploads beyond what one session, or all together, may hold; drops the files of
    tabs that are gone for longer than Streamlit keeps their session."""

    app: ASGIApp
    coming: Counter[str] = field(default_factory=Counter)  # bytes under way, by session
    gone_since: dict[str, float] = field(default_factory=dict)  # by session, monotonic seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._watch(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "PUT" and UPLOADS in scope["path"]:
            await self._bound(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _bound(self, scope: Scope, receive: Receive, send: Send) -> None:
        session, size = scope["path"].split("/")[-2], announced_bytes(scope)
        if not self._fits(session, size):
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 413, "headers": headers})
            await send({"type": "http.response.body", "body": FULL})
            return
        self.coming[session] += size
        try:
            await self.app(scope, receive, send)
        finally:
            self.coming[session] -= size
            self.coming += Counter()  # forgets who has nothing under way

    def _fits(self, session: str, size: int) -> bool:
        held = held_bytes()
        own = held.get(session, 0) + self.coming[session] + size
        everybody = sum(held.values()) + self.coming.total() + size
        return own <= MOST_OF_ONE and everybody <= MOST_OF_ALL

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            self._sweep()
            patience = config.get_option("server.disconnectedSessionTTL")
            asyncio.get_running_loop().call_later(patience + 0.1, self._sweep)

    def _sweep(self) -> None:
        if not Runtime.exists():
            return
        runtime, now = Runtime.instance(), time.monotonic()
        patience = config.get_option("server.disconnectedSessionTTL")
        gone = {name for name in held_bytes() if not runtime.is_active_session(name)}
        self.gone_since = {name: self.gone_since.get(name, now) for name in gone}
        for name, since in self.gone_since.items():
            if now - since >= patience:
                runtime.uploaded_file_mgr.remove_session_files(name)


def is_stranger(scope: Scope) -> bool:
    """Whether a browser without the cookie asks for a page, not for one of its parts."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    headers = dict(scope["headers"])
    cookies = headers.get(b"cookie", b"").decode("latin-1").split(";")
    pairs = (part.strip().partition("=") for part in cookies)
    known = any(name == PERSON and is_person(value) for name, _, value in pairs)
    return b"text/html" in headers.get(b"accept", b"") and not known


def is_person(value: object) -> bool:
    """Whether a cookie's value is one that we give: a browser may send anything, and Streamlit's
    test of an app has no cookies but objects that aren't text."""
    return isinstance(value, str) and VALUE.fullmatch(value) is not None


def new_person(scope: Scope) -> bytes:
    """A cookie that scripts can't read and other sites can't send; under TLS, only by TLS."""
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    name = f"{PERSON}={secrets.token_urlsafe(32)}"
    return f"{name}; Path=/; HttpOnly; SameSite=Lax{secure}".encode()


def announced_bytes(scope: Scope) -> int:
    """How large an upload says that it is; without a word, as large as one may be."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    largest = int(config.get_option("server.maxUploadSize")) * MIB
    return max(LEAST, int(length) if length.isdigit() else largest)


def forget(file: UploadedFile) -> None:
    """Let go of an upload's bytes, which are no longer needed."""
    context, files = get_script_run_ctx(), Runtime.instance().uploaded_file_mgr
    if context is not None:
        files.remove_file(context.session_id, file.file_id)  # type: ignore[attr-defined]


def held_bytes() -> dict[str, int]:
    """Bytes of the uploads in memory, by session."""
    held = list(_files().file_storage.items())
    return {
        session: sum(max(LEAST, len(file.data)) for file in list(own.values()))
        for session, own in held
        if own
    }


def _files() -> MemoryUploadedFileManager:
    files = Runtime.instance().uploaded_file_mgr
    assert isinstance(files, MemoryUploadedFileManager), "st.App keeps uploads in memory"
    return files
