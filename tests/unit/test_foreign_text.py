"""Words from outside are shown letter by letter, in every medium."""

from __future__ import annotations

import pytest

from convmixer_viz.foreign_text import JOINER, LONGEST, escape


@pytest.mark.parametrize(
    "words",
    [
        "cat",
        "cifar10-256-8",
        "field_side",
        "English springer",
        "a (1)",
        "3.5 % of 2×2",
        "Größe, 大きさ",
    ],
)
@pytest.mark.parametrize("medium", ["markdown", "html", "plotly", "terminal"])
def test_plain_words_stay_as_they_are(words: str, medium: str) -> None:
    assert escape(words, medium) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("![p](x.png)", r"!\[p\](x.png)"),
        ("*a* _b_ `c` ~d~ $e$", r"\*a\* \_b\_ \`c\` \~d\~ \$e\$"),
        ("<b>&lt;", r"\<b>\&lt;"),
        (":red[a]", r"\:red\[a\]"),
        ("\\[a](b)", r"\\\[a\](b)"),
        ("a|b", r"a\|b"),
        ("# a", f"{JOINER}# a"),
        ("1. a", f"{JOINER}1. a"),
        ("https://a.b", f"https:{JOINER}//a.b"),
        ("WWW.a.b", f"WWW{JOINER}.a.b"),
        ("me@a.b", f"me@{JOINER}a.b"),
    ],
)
def test_markdown_is_letters(words: str, expected: str) -> None:
    assert escape(words) == expected


def test_tags_are_letters_in_html_and_plotly() -> None:
    words = "<a href=\"//x\">%{y}</a> &amp; 'q'"
    assert "<" not in escape(words, "html") and '"' not in escape(words, "html")
    assert "<" not in escape(words, "plotly") and "%{" not in escape(words, "plotly")
    assert escape("&lt;", "plotly") == "&amp;lt;"


@pytest.mark.parametrize("medium", ["markdown", "html", "plotly", "terminal"])
def test_nothing_commands_a_terminal_or_turns_the_text(medium: str) -> None:
    words = escape("a\x1b[31mb\x07\x9b\u202ec\u2066\x00", medium)  # type: ignore[arg-type]
    assert not set(words) & set("\x1b\x07\x9b\u202e\u2066\x00")
    assert "a" in words and "b" in words and "c" in words


def test_a_text_is_one_line_of_bounded_length() -> None:
    assert escape("a\n\n# b\tc", "terminal") == "a # b c"
    assert len(escape("x" * 10**6, "terminal")) == LONGEST
    assert escape("abcdef", longest=4) == "abc…"
