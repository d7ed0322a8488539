"""The words of the field, a line each: every page's tooltips and `--help` tell them."""

from __future__ import annotations

import re

TERMS = {
    "ConvMixer": "a network that cuts a picture into patches and mixes them, in space and then "
    "across channels, on one grid from the first block to the last",
    "patch": "a square of the picture's pixels that becomes one token",
    "token": "one cell of the grid: what the model holds at one patch, a number a channel",
    "stem": "the first convolution: it makes a token of each patch",
    "block": "one step of depth: mixes in space, adds its input, then mixes channels",
    "kernel": "the small filter with which a block mixes one channel in space",
    "channel": "one of the numbers that each token holds",
    "residual": "the input that a block adds to what its kernels give",
    "head": "the last layer: a weighted sum of the mean token for each class",
    "logit": "a class's score before softmax makes probabilities of all scores",
    "probe": "the head applied to an earlier block, which it was not trained for",
    "evidence": "what each token of the last block adds to a class's logit, exactly",
    "attribution": "a map of which patches mattered to a score, by one of several methods",
    "receptive field": "the pixels on which one token of a block depends, by how much",
    "target": "the class whose score is explained",
    "preset": "a model by name: its shape, its weights, how its pictures are prepared",
    "untrained twin": "the same architecture with random weights: what training did not do",
}
_PATTERNS = {
    term: re.compile(rf"\b{term}(e?s)?\b", 0 if term[0].isupper() else re.IGNORECASE)
    for term in TERMS
}


def terms_in(text: str) -> dict[str, str]:
    """The terms that a text uses, each with its line."""
    return {term: line for term, line in TERMS.items() if _PATTERNS[term].search(text)}


def explain(text: str) -> str:
    """The same as markdown, a line each; empty where it uses none."""
    return "\n\n".join(f"**{term}**: {line}." for term, line in terms_in(text).items())


def listing(text: str = "") -> str:
    """The terms of a text, or all of them, as the command line prints them."""
    terms = terms_in(text) if text else TERMS
    return "\n".join(f"  {term}: {line}" for term, line in terms.items())
