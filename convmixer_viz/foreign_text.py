"""Words from outside, of links, file names, class lists, checkpoints: never markup."""

from __future__ import annotations

import html
import re
from typing import Literal

Medium = Literal["markdown", "html", "plotly", "terminal"]
LONGEST = 1000  # characters of one text; the rest is left out
JOINER = "\u2060"  # no width, no break: what it parts is read as plain letters
# control characters, and those that turn the direction of what follows
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_MARKUP = re.compile(  # an underscore within a word is none
    r"([\\`*{}\[\]<|~$&]|:(?=[A-Za-z])|(?<![^\W_])_|_(?![^\W_]))"
)
_OPENING = re.compile(r"^(\s*)([-+#>=]|\d+(?=[.)](?:\s|$)))")  # lists, titles, quotes
# what is read in bare words: https://…, www.…, a mail's address, an icon's :name:
_BARE = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=:)(?=[\w+-][\w+/-]*:)", re.IGNORECASE)


def escape(text: object, medium: Medium = "markdown", longest: int = LONGEST) -> str:
    """A text as a medium shows it letter by letter: on one line, no longer than `longest`, and
    nothing in it read as markup, a tag, a link, a field or a command to the terminal."""
    words = _CONTROL.sub("\ufffd", re.sub(r"[\t\r\n]+", " ", str(text)))
    words = words if len(words) <= longest else f"{words[: longest - 1]}…"
    if medium == "markdown":
        return _escape_markdown(words)
    if medium == "html":
        return html.escape(words)
    if medium == "plotly":  # it reads tags, and %{…} in the templates of its hover texts
        return html.escape(words, quote=False).replace("%{", f"%{JOINER}{{")
    return words


def _escape_markdown(words: str) -> str:
    escaped = _MARKUP.sub(r"\\\1", _BARE.sub(JOINER, words))
    return _OPENING.sub(rf"\1{JOINER}\2", escaped)
