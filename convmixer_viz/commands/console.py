"""What commands print: results on standard output, progress on standard error."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from convmixer_viz.contract import Result, Step, as_text, columns, plain
from convmixer_viz.engine import distributed
from convmixer_viz.foreign_text import escape

LINE_EVERY = 10.0  # seconds between progress lines where standard error is no terminal


@contextmanager
def interruptible() -> Iterator[None]:
    """The first Ctrl-C ends after the step at hand, a second one at once."""

    def stop(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class ProgressLine:
    """One line on standard error that renews itself; where that is no terminal, a new line every
    LINE_EVERY seconds. Of several processes only the first writes."""

    def __init__(self) -> None:
        self._first = distributed.process().rank == 0
        self._live = self._first and sys.stderr.isatty()
        self._last_line = time.monotonic()

    def show(self, line: str) -> None:
        """Replace the line."""
        line = escape(line, "terminal")
        if self._live:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        elif self._first and time.monotonic() - self._last_line > LINE_EVERY:
            self._last_line = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line."""
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def follow(steps: Iterator[Step[Any]], title: str) -> Any:
    """Show the progress of steps and return the last one's result."""
    progress = ProgressLine()
    with closing(steps):  # type: ignore[type-var]
        for step in steps:
            progress.show(f"{title}: {step.describe()}")
    progress.clear()
    return step.partial


def tell(sentence: str) -> None:
    """A sentence beside the results, where there is one."""
    if sentence:
        print(escape(sentence, "terminal"), file=sys.stderr)


def show(results: Sequence[Result], *, as_json: bool) -> None:
    """Results as tables for people, or as one JSON list."""
    if as_json:
        objects = [entry for result in results for entry in result.objects()]
        print(json.dumps(objects, indent=1, default=plain))
        return
    for result in results:
        provenance = result.provenance
        if provenance and len(results) > 1:
            print(escape(f"{provenance.preset} {getattr(result, 'name', '')}".rstrip(), "terminal"))
        print(as_table(result.rows()))


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as aligned columns; a value that every row shares still stands in each."""
    names = columns(rows)
    lines = [names] + [[as_text(row.get(name, "")) for name in names] for row in rows]
    cells = [[escape(cell, "terminal") for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)
