"""The process that fetches published weights (python -m convmixer_viz.weights.download)."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import PRESETS, Preset, Published
from convmixer_viz.weights.hub import (
    WEIGHTS_FILE,
    cache_folder,
    cached_file,
    delete_cached,
    manual_hint,
    promised_sha256,
    repository_folder,
)

CHUNK = 2**18  # bytes; the client's own 10 MB would show a slow line as a stalled one
Report = Callable[[int, int], None]  # bytes done, bytes in all
# names of error classes (the hub's client changed its HTTP library twice) → what to say
EXPLANATIONS = (
    ({"OfflineModeIsEnabled"}, "HF_HUB_OFFLINE is set, so nothing may be fetched: unset it"),
    (
        {"RemoteEntryNotFoundError", "RepositoryNotFoundError", "RevisionNotFoundError"},
        "{host} has no such file (404): check HF_ENDPOINT",
    ),
    (
        {"FileMetadataError"},
        "{host} answers, but not as the hub does, so a proxy or a login page may stand between: "
        "check HF_ENDPOINT and the network",
    ),
    ({"TimeoutException", "Timeout"}, "the connection to {host} stalls: try again later"),
    (
        {"RemoteProtocolError", "ChunkedEncodingError"},
        "the connection to {host} breaks off again and again: try again later",
    ),
    (
        {"ProxyError", "ConnectError", "ConnectionError"},
        "{host} can't be reached: check the network, or name a mirror in HF_ENDPOINT",
    ),
    ({"HfHubHTTPError"}, "{host} answers with an error: try again later"),
)


def download(preset: Preset, report: Report) -> Path:
    """Fetch and verify; what is already there and good is kept, what isn't is thrown away."""
    assert preset.published is not None
    if (pointer := cached_file(preset)) is not None:
        try:
            return _verified(pointer, preset)
        except WeightsError:
            delete_cached(preset)
    try:
        _download_from_hub(preset.published, report)
    except Exception as error:  # the client's own, its HTTP library's, the system's
        raise WeightsError(f"{_explain(error)}, {manual_hint(preset)}.") from error
    pointer = cached_file(preset)
    if pointer is None:
        raise WeightsError(f"The hub's cache lost {preset.name}: try again, {manual_hint(preset)}.")
    try:
        return _verified(pointer, preset)
    except WeightsError as error:
        delete_cached(preset)
        raise WeightsError(
            f"What came for {preset.name} is not its weights and was thrown away "
            f"({str(error).rstrip('.')}): try again, {manual_hint(preset)}."
        ) from error


def main(name: str, hub_cache: str) -> None:
    """The process: one line of JSON for each report, then one with the file or the error."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinds, so what has come is written
    os.environ["HF_HUB_CACHE"] = hub_cache
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP resumes and reports every byte
    try:
        path = download(PRESETS[name], lambda done, total: _send(done=done, total=total))
        _send(path=str(path))
    except WeightsError as error:
        _send(error=str(error))


def _send(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def _download_from_hub(published: Published, report: Report) -> None:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        """Reports instead of drawing."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)  # the client's own bar takes it
            super().__init__(*args, **options | {"disable": True})
            self.update(0)

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            report(int(self.n), int(self.total or published.megabytes * 10**6))

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    blobs = repository_folder(published) / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(blobs.with_name("fetch.lock")):  # one process at a time
        # asked first, since hf_hub_download tries for half a minute where there is no network
        file = get_hf_file_metadata(hf_hub_url(published.hub, WEIGHTS_FILE), token=False)
        blob = blobs / str(file.etag)
        if re.fullmatch(r"\w+", file.etag or "") and not blob.exists():
            with _continued(blob) as part:
                http_get(
                    file.location,
                    part,
                    resume_size=part.tell(),
                    headers=build_hf_headers(token=False),
                    expected_size=file.size,
                    tqdm_class=Bar,
                )
        hf_hub_download(published.hub, WEIGHTS_FILE, token=False, tqdm_class=Bar)


@contextmanager
def _continued(blob: Path) -> Iterator[BinaryIO]:
    """A file to write a blob to, open at its end: it becomes the cache's when the block ends well,
    and stays to be continued where it is stopped; hf_hub_download begins anew each time."""
    part = blob.with_name(f"{blob.name}.incomplete")
    try:
        with part.open("ab") as file:
            yield file
        part.replace(blob)
    except OSError:  # a full disk, a page instead, a file of another size: nothing to continue
        part.unlink(missing_ok=True)
        raise


def _verified(pointer: Path, preset: Preset) -> Path:
    """The file that a pointer of the cache leads to; a WeightsError where its sha256 isn't the one
    in its name or its tensors don't fit the preset."""
    from convmixer_viz.weights import checkpoint

    weights = checkpoint.read_as(pointer.resolve(), preset)
    promised = promised_sha256(pointer)
    if promised not in (None, weights.sha256):
        raise WeightsError(f"its sha256 is {weights.sha256[:8]}…, not {str(promised)[:8]}…")
    return pointer.resolve()


def _explain(error: BaseException) -> str:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    from huggingface_hub import constants

    host = constants.ENDPOINT
    if any(getattr(e, "errno", None) == errno.ENOSPC for e in chain):
        folder = cache_folder()
        return f"The disk is full: free space or move the hub's cache ({folder}) by HF_HUB_CACHE"
    if any("onsistency check failed" in str(e) for e in chain):
        return f"{host} sent a file of the wrong size, cut off or a page instead: try again"

    names = {kind.__name__ for e in chain for kind in type(e).__mro__}
    for kinds, explanation in EXPLANATIONS:
        if kinds & names:
            return explanation.format(host=host)
    first_line = (str(error).splitlines() or [""])[0]
    return f"The download failed ({type(error).__name__}: {first_line}): try again"


if __name__ == "__main__":
    main(*sys.argv[1:])
