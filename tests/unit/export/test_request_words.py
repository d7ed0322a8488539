"""What gives a result again, as a person types it: only what isn't the default, hostile names."""

from __future__ import annotations

import shlex
from contextlib import closing
from dataclasses import replace

import pytest

from convmixer_viz.export import request_words
from convmixer_viz.pictures.decode import load
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    with closing(Workbench("cpu")) as bench, pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", TINY)
        result = bench.run("evidence", [load("gallery:cat")], preset="tiny", random=2)
        assert isinstance(result, Evidence)
        return result


def test_the_call_names_what_is_not_the_default(evidence: Evidence) -> None:
    origin = replace(
        evidence.origin,
        preset="mine",
        mode="fast",
        device="cpu",
        untrained_seed=None,
        edits=("off:blocks=2", "blur:sigma=1"),
        options={"target": "cat", "against": None},
    )
    result = replace(evidence, provenance=origin)
    assert request_words.python(result, ["cat"]) == (
        "from convmixer_viz import Workbench\n\n"
        "result = Workbench().run(\n"
        "    'evidence',\n    ['gallery:cat'],\n    preset='mine',\n"
        "    edits=['off:blocks=2', 'blur:sigma=1'],\n    device='cpu',\n    mode='fast',\n"
        "    target='cat',\n)"
    )
    assert request_words.command(result, ["cat"]) == (
        "convmixer-viz evidence gallery:cat --preset mine --edit off:blocks=2 "
        "--edit blur:sigma=1 --device cpu --mode fast --target cat --out out"
    )


def test_a_file_is_named_by_preset_picture_and_analysis(evidence: Evidence) -> None:
    result = replace(evidence, provenance=replace(evidence.origin, preset="k5"))
    assert request_words.file_stem(result, ["my cat.jpeg"]) == "k5-my-cat-evidence"
    assert request_words.file_stem(result, ["a.png", "b.png"]) == "k5-2-pictures-evidence"
    assert request_words.file_stem(result, ["../../etc/x;rm.png"]) == "k5-etc-x-rm-evidence"


def test_a_strangers_name_stays_one_word_of_the_command(evidence: Evidence) -> None:
    name = "a'; rm -rf $HOME #.png"
    assert shlex.split(request_words.command(evidence, [name]))[2] == name
