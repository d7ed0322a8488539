"""What a sweep tries, and the twins that control it."""

from __future__ import annotations

import pytest

from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Shape
from convmixer_viz.questions.edits import in_words, parse_all
from convmixer_viz.questions.effect import Options, points

SHAPE = Shape(dim=8, depth=3, kernel_size=3, patch_size=2)


def tried(sweep: str, *edits: str, epochs: tuple[int, ...] = ()) -> list[tuple[str, ...]]:
    return [in_words(p.edits) for p in points(parse_all(edits), sweep, SHAPE, epochs)]


def test_sweeps_go_through_the_blocks() -> None:
    assert tried("none", "off", "mean:blocks=2") == [("off", "mean:blocks=2")]
    assert tried("block", "off") == [("off:blocks=1",), ("off:blocks=2",), ("off:blocks=3",)]
    assert tried("up", "off")[1:] == [("off:blocks=1-2",), ("off:blocks=1-3",)]
    assert tried("down", "off")[:2] == [("off:blocks=3",), ("off:blocks=2-3",)]


def test_sweeps_go_over_the_last_edits_number() -> None:
    assert tried("number", "off:blocks=1", "low-rank") == [
        ("off:blocks=1", "low-rank"),
        ("off:blocks=1", "low-rank:rank=2"),
        ("off:blocks=1", "low-rank:rank=3"),
    ]
    assert tried("number", "epoch", epochs=(0, 4)) == [("epoch",), ("epoch:epoch=4",)]
    clusters = tried("number", "template:bank=clusters")
    assert clusters[-1] == ("template:bank=clusters",) and len(clusters) == 5  # 1 … 16 of 24


@pytest.mark.parametrize("edit", ["off", "template", "random"])
def test_what_has_no_number_is_refused(edit: str) -> None:
    with pytest.raises(ChoiceError, match=f"{edit} has no number"):
        tried("number", edit)


def test_without_an_edit_there_is_one_point() -> None:
    assert tried("block") == [()] and points((), "none", SHAPE)[0].label == "no edit"


def test_twins_change_the_same_kernels() -> None:
    (point,) = points(
        parse_all(["off:blocks=2:kernels=delta", "scale:blocks=1", "mean:blocks=1"]), "none", SHAPE
    )
    assert in_words(point.control("random", 4)) == (
        "random:seed=4:blocks=2:kernels=delta",
        "random:seed=4:blocks=1",
    )
    assert in_words(point.control("shuffle", 0)) == (
        "shuffle:blocks=2:kernels=delta",
        "shuffle:blocks=1",
    )


@pytest.mark.parametrize("seeds", [-1, 101])
def test_draws_have_bounds(seeds: int) -> None:
    with pytest.raises(ChoiceError, match="choose 0 to 100"):
        Options(seeds=seeds)
