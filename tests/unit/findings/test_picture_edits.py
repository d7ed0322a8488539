"""The tables of edited pictures: givers, squares and counts that are known beforehand."""

from __future__ import annotations

import numpy as np

from convmixer_viz.pictures.decode import load
from convmixer_viz.questions.picture_edits import Paste
from tests.findings import picture_edits
from tests.findings.picture_edits import Proposal
from tests.unit.figures.test_effect import made


def test_a_giver_has_another_label() -> None:
    labels = np.repeat(np.arange(3), 20)
    donors = picture_edits.givers(labels)
    assert (labels[donors] != labels).all() and len(set(donors.tolist())) > 20
    assert np.array_equal(donors, picture_edits.givers(labels))


def test_evidence_or_chance_choose_square_and_place() -> None:
    cat, coffee = load("gallery:cat"), load("gallery:coffee")
    both = Proposal(3, corner=9, grid=16), Proposal(1, corner=100, grid=16)

    def paste(way: tuple[bool, bool], seed: int) -> Paste:
        draw = np.random.default_rng(seed)
        (edit,) = picture_edits.paste(cat, coffee, both, way, draw).edits
        assert isinstance(edit, Paste)
        return edit

    proposed = {paste((True, True), seed) for seed in range(5)}
    assert {(edit.tokens, edit.at) for edit in proposed} == {(picture_edits.square(100, 16), 9)}
    assert picture_edits.square(100, 16)[:5] == (100, 101, 102, 103, 116)
    assert len({paste((False, True), seed).tokens for seed in range(20)}) > 10
    places = {paste((True, False), seed).at for seed in range(200)}
    assert len(places) > 50 and max(n % 16 for n in places if n is not None) == 12


def test_what_changed_and_what_was_taken_are_counted() -> None:
    proposals, donors = [Proposal(c, 0, 8) for c in (0, 1, 2, 2)], np.array([1, 0, 3, 0])
    counts = {"pictures": 0, "changed": 0, "taken": 0}
    picture_edits.count(counts, np.array([1, 5, 2, 0]), proposals, donors)
    assert counts == {"pictures": 4, "changed": 3, "taken": 2}
    *_, row = picture_edits.by_way({"evidence": counts}).splitlines()
    assert row == "| evidence | 4 | 75.0% | 30.1% to 95.4% | 50.0% |"


def test_a_row_an_amount() -> None:
    result = made(picture_edits=("blur:sigma=0", "blur"), points=("sigma 0", "sigma 1"))
    *_, unedited, first, second = picture_edits.by_amount("blur", result).splitlines()
    assert unedited == "| none | 180 | 90.0% |  |  |  |"
    assert first.startswith("| sigma 0 | 100 | 50.0% |") and second.startswith("| sigma 1 | 170 |")
