"""An analysis's Options as command-line flags: names, types, defaults and help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from convmixer_viz.contract import OptionField, option_fields

MAX_RANGE = 10_000  # numbers in one range


def add(command: argparse.ArgumentParser, options: type[Any]) -> None:
    """Add one flag a field; the default of a missing flag is left to the Options."""
    for field in option_fields(options):
        _add(command, field)


def read(arguments: argparse.Namespace, options: type[Any]) -> dict[str, Any]:
    """The options that the command line names."""
    named = vars(arguments)
    return {
        field.name: named[field.name] for field in option_fields(options) if field.name in named
    }


def _add(command: argparse.ArgumentParser, field: OptionField) -> None:
    flag = f"--{field.name.replace('_', '-')}"
    several = f": any of {', '.join(field.choices)}" if field.choices and field.many else ""
    sentence = f"{field.sentence}{several} (default: {_shown(field.default)})"
    common: dict[str, Any] = {"default": argparse.SUPPRESS, "help": sentence.replace("%", "%%")}
    if field.kind is bool:
        command.add_argument(flag, action=argparse.BooleanOptionalAction, **common)
    elif field.choices and not field.many:
        command.add_argument(flag, choices=field.choices, **common)
    else:
        metavar = "N" if field.kind in (int, float) else "TEXT"
        command.add_argument(flag, type=_reader(field), metavar=metavar, **common)


def _reader(field: OptionField) -> Callable[[str], Any]:
    if not field.many:
        return field.kind
    if field.kind is int:
        return numbers
    return lambda text: tuple(field.kind(part) for part in text.split(","))


def numbers(text: str) -> tuple[int, ...]:
    """'3', '1-4' or '1,3' → the numbers; 'all' → (), no restriction."""
    if text == "all":
        return ()
    numbers: list[int] = []
    for part in text.split(","):
        first, *rest = map(int, part.split("-"))
        last = rest[0] if rest else first
        if not 0 <= last - first <= MAX_RANGE or len(rest) > 1:
            raise ValueError(part)
        numbers += range(first, last + 1)
    return tuple(numbers)


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or "all"
    return "none" if default is None else str(default)
