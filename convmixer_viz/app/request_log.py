"""A line a request: what was asked for and how it went, never pictures nor the names of files."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any, Literal

from convmixer_viz.commands.app import LOG_VARIABLE
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.request import Request

LOG = logging.getLogger(__name__)
Outcome = Literal["done", "left", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of a page, from the moment that it waits to its end."""

    analysis: str
    preset: str  # of the table; of others, which may be named after files, the weights
    device: str
    mode: str
    outcome: Outcome  # left: stopped, or the page went elsewhere; it goes on when asked again
    seconds: float  # that the page waited
    computed: float | None  # seconds of the device, for this result in all
    nbytes: int  # of the result
    place: int  # in the queue, at first

    def __str__(self) -> str:
        computed = "" if self.computed is None else f" computed={self.computed:.3f}s"
        return (
            f"{self.outcome} {self.analysis} {self.preset} {self.device} {self.mode} "
            f"waited={self.seconds:.3f}s{computed} bytes={self.nbytes} place={self.place}"
        )


class JsonLines(logging.Formatter):
    """A record as one JSON object; a request's with its fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        entry = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if isinstance(entry, Entry):
            return json.dumps(line | asdict(entry))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | {"message": record.getMessage()})


def begin() -> None:
    """Write what the package logs to standard error, as the command's --log says."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get(LOG_VARIABLE) == "json":
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger("convmixer_viz")
    package.setLevel(logging.INFO)
    package.handlers = [handler]
    package.propagate = False


def write(entry: Entry) -> None:
    """Log a request."""
    LOG.info("%s", entry)


def name_of(request: Request[Any]) -> str:
    """What a log may call a request's preset."""
    preset = request.preset.name
    return preset if preset in PRESETS else f"added-{request.key.weights_sha256[:8]}"
