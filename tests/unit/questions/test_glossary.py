"""One line a term, found where a text uses it."""

from __future__ import annotations

from convmixer_viz.questions import glossary


def test_each_term_is_one_line() -> None:
    for term, line in glossary.TERMS.items():
        assert "\n" not in line and len(line) < 160 and not line.endswith("."), term


def test_a_text_is_explained_by_the_terms_that_it_uses() -> None:
    text = "Which patches carried a decision, and the ConvMixer's receptive fields"
    assert list(glossary.terms_in(text)) == ["ConvMixer", "patch", "receptive field"]
    assert glossary.explain("tokenize, convmixer-viz, 3 kernelizations") == ""
    assert glossary.explain("A logit").startswith("**logit**: a class's score")


def test_the_listing_has_all_terms_or_those_of_a_text() -> None:
    assert len(glossary.listing().splitlines()) == len(glossary.TERMS)
    assert glossary.listing("the stem and probes").split(":")[0].strip() == "stem"
