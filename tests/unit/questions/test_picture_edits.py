"""Edits of a picture as they are written: round trips, one spelling, a sentence a mistake."""

from __future__ import annotations

import pytest

from convmixer_viz.contract import option_fields
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions import picture_edits
from convmixer_viz.questions.picture_edits import (
    PICTURE_EDITS,
    Blur,
    OriginalEdit,
    PreparedEdit,
    Remove,
    parse,
)

WRITTEN = (
    "grey:share=0.25",
    "noise:sd=8:seed=3",
    "turn:degrees=-30",
    "shift:x=3",
    "shift:y=-1:unit=patch",
    "remove:tokens=40-41+88:fill=black:grid=16",
    "paste:from=coffee:tokens=1-3+17:at=5",
)


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_is_written_again(text: str) -> None:
    assert str(parse(text)) == text and parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("name", PICTURE_EDITS)
def test_every_edit_says_what_it_is_and_of_what(name: str) -> None:
    kind = PICTURE_EDITS[name]
    text = f"{name}:from=cat" if name == "paste" else name
    assert str(parse(text)) == text
    assert kind.SENTENCE and all(field.sentence for field in option_fields(kind))
    assert issubclass(kind, OriginalEdit) != issubclass(kind, PreparedEdit)


@pytest.mark.parametrize("name", [n for n, kind in PICTURE_EDITS.items() if kind.SWEPT[0]])
def test_a_sweeps_amounts_are_within_limits(name: str) -> None:
    key, amounts = PICTURE_EDITS[name].SWEPT
    swept = [parse(name).with_amount(amount) for amount in amounts]
    assert [getattr(edit, key) for edit in swept] == list(amounts) == sorted(amounts)


def test_edits_of_the_original_are_made_first() -> None:
    made = picture_edits.parse_all(["blur", "noise", "shift:x=1", "grey"])
    assert picture_edits.in_words(made) == "noise grey blur shift:x=1"


def test_one_meaning_has_one_spelling() -> None:
    assert parse("remove:tokens=4+2-3") == Remove(tokens=(2, 3, 4)) == Remove(tokens=(4, 3, 2, 2))
    assert parse("blur:sigma=1") == Blur() and hash(parse("blur:sigma=1")) == hash(Blur())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blurr", "There is no edit of a picture 'blurr': did you mean blur?"),
        ("blur:blocks=3", "blur has no 'blocks=3': it takes sigma=…."),
        ("blur:sigma=-1", "blur takes sigma from 0 to 64, not -1.0."),
        ("blur:sigma=nan", "not nan"),
        ("contrast:factor=9", "contrast takes factor from 0 to 4"),
        ("jpeg:quality=0", "jpeg takes quality from 1 to 100"),
        ("jpeg:quality=9.5", "must be a whole number"),
        ("turn:degrees=200", "from -180 to 180"),
        ("shift:x=0.5", "must be a whole number"),
        ("shift:unit=block", "choose pixel or patch"),
        ("noise:seed=-1", "seed from 0"),
        ("remove:tokens=3-1", "3-1 is no range"),
        ("remove:fill=noise", "choose mean or blur or black"),
        ("paste", "paste needs from=PICTURE"),
        ("paste:from=cat:at=-4", "paste takes at from 0"),
    ],
)
def test_a_mistake_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ChoiceError) as raised:
        parse(text)
    assert sentence in str(raised.value) and len(str(raised.value)) < 300


def test_forty_edits_are_too_many() -> None:
    with pytest.raises(ChoiceError, match="40 edits of a picture are too many: 32 at most"):
        picture_edits.parse_all(["blur"] * 40)
