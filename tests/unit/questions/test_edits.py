"""Edits as they are written: round trips, one spelling a meaning, a sentence a mistake."""

from __future__ import annotations

import pytest

from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions import edits
from convmixer_viz.questions.edits import EDITS, Off, Template, Transplant, parse

WRITTEN = (
    "off",
    "off:part=residual:blocks=2",
    "off:kernels=12-13+40",
    "scale:scale=0.25",
    "template:bank=clusters:clusters=32:seed=3:blocks=1+3-5",
    "template:kernels=first-derivative",
    "template:bank=master",
    "low-rank:rank=2",
    "transplant:from=cifar10-128-8-k3:blocks=8",
    "recalibrate:data=cifar10/train:pictures=64:blocks=2",
)


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_is_written_again(text: str) -> None:
    assert str(parse(text)) == text and parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    "name", [name for name in EDITS if name not in ("transplant", "recalibrate")]
)
def test_every_edit_can_be_made_as_it_is(name: str) -> None:
    assert str(parse(name)) == name
    assert all(field.sentence for field in edits._fields(EDITS[name])) and EDITS[name].SENTENCE


def test_one_meaning_has_one_spelling() -> None:
    assert parse("off:blocks=4-6+5+2") == Off(blocks=(2, 4, 5, 6)) == Off(blocks=(6, 5, 4, 2))
    assert parse("off:kernels=40+12+13") == Off(kernels="12-13+40")
    assert parse("template:bank=templates:blocks=all") == Template()
    assert hash(parse("off:kernels=2+1")) == hash(parse("off:kernels=1-2"))


def test_channels_are_numbers() -> None:
    assert parse("off:kernels=0-3+7").channels == (0, 1, 2, 3, 7)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no edit ''"),
        ("templat", "did you mean template?"),
        ("nothing", "choose one of off, scale"),
        ("off:bloks=3", "off has no 'bloks=3': it takes part=…, blocks=…, kernels=…."),
        ("off:blocks", "off has no 'blocks'"),
        ("off:blocks=", "off has no 'blocks='"),
        ("off:blocks=0", "choose blocks from 1"),
        ("off:blocks=3-1", "3-1 is no range"),
        ("off:blocks=1-2-3", "write numbers as 3, 3-8 or 1+4"),
        ("off:blocks=1-99999999", "write numbers as"),
        ("off:blocks=1-999999", "is no range"),
        ("off:blocks=²", "write numbers as"),
        ("off:kernels=blue", "choose all, classified, gaussian"),
        ("off:part=both", "choose branch or residual"),
        ("off:part=residual:kernels=3", "leave kernels out"),
        ("scale:scale=much", "must be a number"),
        ("scale:scale=nan", "from -100 to 100, not nan"),
        ("scale:scale=1e9", "from -100 to 100"),
        ("low-rank:rank=1.5", "must be a whole number"),
        ("round:bits=1", "from 2 to 16, not 1"),
        ("template:clusters=0", "clusters from 1"),
        ("random:seed=-1", "seed from 0"),
        ("epoch:epoch=" + "9" * 30, "must be a whole number"),
        ("transplant", "needs from=PRESET"),
        ("recalibrate", "needs data=NAME"),
        ("recalibrate:data=x:pictures=1", "pictures from 2 to 4096, not 1"),
        ("recalibrate:data=x:kernels=3", "leave kernels out"),
    ],
)
def test_a_mistake_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ChoiceError) as raised:
        parse(text)
    assert sentence in str(raised.value) and len(str(raised.value)) < 300


def test_forty_edits_are_too_many() -> None:
    assert len(edits.parse_all(["off", Off(blocks=(2,))])) == 2
    with pytest.raises(ChoiceError, match="40 edits are too many: 32 at most"):
        edits.parse_all(["off"] * 40)


def test_a_preset_is_named_by_from() -> None:
    assert Transplant(from_="x").from_ == parse("transplant:from=x").from_ == "x"  # type: ignore[attr-defined]
