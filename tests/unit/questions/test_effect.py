"""What a sweep tries, and the twins that control it."""

from __future__ import annotations

import pytest

from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Shape
from convmixer_viz.questions import picture_edits as pictures
from convmixer_viz.questions.edits import in_words, parse_all
from convmixer_viz.questions.effect import Options, points

SHAPE = Shape(dim=8, depth=3, kernel_size=3, patch_size=2)
BLUR = pictures.parse_all(["noise", "blur", "remove:tokens=3"])


def tried(sweep: str, *edits: str, epochs: tuple[int, ...] = ()) -> list[tuple[str, ...]]:
    return [in_words(p.edits) for p in points((parse_all(edits), ()), sweep, SHAPE, epochs)]


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
    assert tried("block") == [()] and points(((), ()), "none", SHAPE)[0].label == "no edit"


def test_twins_change_the_same_kernels() -> None:
    (point,) = points(
        (parse_all(["off:blocks=2:kernels=delta", "scale:blocks=1", "mean:blocks=1"]), BLUR),
        "none",
        SHAPE,
    )
    assert point.control("random", 4)[1] == BLUR
    assert in_words(point.control("random", 4)[0]) == (
        "random:seed=4:blocks=2:kernels=delta",
        "random:seed=4:blocks=1",
    )
    assert in_words(point.control("shuffle", 0)[0]) == (
        "shuffle:blocks=2:kernels=delta",
        "shuffle:blocks=1",
    )


def test_a_sweep_goes_over_the_last_amount_of_the_picture() -> None:
    swept = points((parse_all(["off"]), BLUR), "amount", SHAPE)
    assert [pictures.in_words(point.picture_edits) for point in swept[:2]] == [
        "noise blur:sigma=0 remove:tokens=3",
        "noise blur:sigma=0.25 remove:tokens=3",
    ]
    assert [point.at for point in swept] == list(pictures.Blur.SWEPT[1])
    assert swept[2].label == "sigma 0.5" and all(in_words(p.edits) == ("off",) for p in swept)
    with pytest.raises(ChoiceError, match="no amount to sweep over"):
        points(((), pictures.parse_all(["mirror"])), "amount", SHAPE)


def test_the_pictures_edits_hold_in_every_other_sweep() -> None:
    for sweep in ("block", "number"):
        edits = parse_all(["low-rank"])
        assert {p.picture_edits for p in points((edits, BLUR), sweep, SHAPE)} == {BLUR}


@pytest.mark.parametrize("seeds", [-1, 101])
def test_draws_have_bounds(seeds: int) -> None:
    with pytest.raises(ChoiceError, match="choose 0 to 100"):
        Options(seeds=seeds)
