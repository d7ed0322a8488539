"""The process that fetches published weights (python -m convmixer_viz.weights.download)."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import PRESETS, Preset, Published
from convmixer_viz.weights.hub import FILE, by_hand, cache, cached, discard

CHUNK = 2**18  # bytes; the client's own 10 MB would show a slow line as a stalled one
Report = Callable[[int, int], None]  # bytes done, bytes in all
# names of error classes (the hub's client changed its HTTP library twice) → what they mean
MEANINGS = (
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
    if (pointer := cached(preset)) is not None:
        try:
            return _verified(pointer, preset)
        except WeightsError:
            discard(preset)
    try:
        _hub_download(preset.published, report)
    except Exception as error:  # the client's own, its HTTP library's, the system's
        raise WeightsError(f"{_meaning(error)}, {by_hand(preset)}.") from error
    pointer = cached(preset)
    if pointer is None:
        raise WeightsError(f"The hub's cache lost {preset.name}: try again, {by_hand(preset)}.")
    try:
        return _verified(pointer, preset)
    except WeightsError as error:
        discard(preset)
        raise WeightsError(
            f"What came for {preset.name} is not its weights and was thrown away "
            f"({str(error).rstrip('.')}): try again, {by_hand(preset)}."
        ) from error


def main(name: str, cache: str) -> None:
    """The process: a line of JSON for each report, then the file or the error."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinds, so no half stays
    os.environ["HF_HUB_CACHE"] = cache
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP resumes and reports every byte
    try:
        path = download(PRESETS[name], lambda done, total: _tell(done=done, total=total))
        _tell(path=str(path))
    except WeightsError as error:
        _tell(error=str(error))


def _tell(**said: Any) -> None:
    print(json.dumps(said), flush=True)


def _hub_download(published: Published, report: Report) -> None:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
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
    # asked first, since hf_hub_download tries for half a minute where there is no network
    get_hf_file_metadata(hf_hub_url(published.hub, FILE), token=False)
    hf_hub_download(published.hub, FILE, token=False, tqdm_class=Bar)


def _verified(pointer: Path, preset: Preset) -> Path:
    """The real file, when its bytes are those that the hub names and its tensors the preset's."""
    from convmixer_viz.weights import checkpoint

    found = checkpoint.read_as(pointer.resolve(), preset)
    blob = pointer.readlink().name if pointer.is_symlink() else ""
    if re.fullmatch(r"[0-9a-f]{64}", blob) and blob != found.sha256:
        raise WeightsError(f"its sha256 is {found.sha256[:8]}…, not {blob[:8]}…")
    return pointer.resolve()


def _meaning(error: BaseException) -> str:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    from huggingface_hub import constants

    host = constants.ENDPOINT
    if any(getattr(e, "errno", None) == errno.ENOSPC for e in chain):
        return f"The disk is full: free space or move the hub's cache ({cache()}) by HF_HUB_CACHE"
    if any("onsistency check failed" in str(e) for e in chain):
        return f"{host} sent a file of the wrong size, cut off or a page instead: try again"
    names = {kind.__name__ for e in chain for kind in type(e).__mro__}
    for kinds, meaning in MEANINGS:
        if kinds & names:
            return meaning.format(host=host)
    first_line = (str(error).splitlines() or [""])[0]
    return f"The download failed ({type(error).__name__}: {first_line}): try again"


if __name__ == "__main__":
    main(*sys.argv[1:])
