"""What edits of a picture do to the answer: a pixel against a patch, blur, noise, pasted regions.

Protocol: 300 test pictures drawn by seed 0. Analysis `effect` with a sweep over the amount: shift
to the right by pixels and by patches of the preset, Gaussian blur by σ in its pixels, Gaussian
noise by its standard deviation in levels of the original. Reference class: the label. Intervals are
Wilson's, 95 %, tests McNemar's, exact, against the unedited pictures. What enters at a shift's
border is mirrored, so a large shift shows another picture there.

Pasted regions: to each picture another one of another label, drawn by seed 0, gives a square of a
quarter of the grid's side. Where evidence proposes: the square of the giver that speaks most for
what the giver is taken for, laid where the picture's own evidence for its first class is largest.
Controls with the same givers, ten seeds: a random square at a random place; the proposed square at
a random place; a random square at the proposed place. Counted: how often the first class changes,
and how often it becomes the giver's. Intervals of controls count each seed's pictures as new ones
and are too narrow. One training run a preset: nothing here goes beyond these runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import EFFECT, EVIDENCE, PREDICTION, Effect, Workbench
from convmixer_viz.agreement import wilson
from convmixer_viz.pictures import folders
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.edits import edited
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.questions.picture_edits import Paste
from tests.findings.edits import row
from tests.findings.samples import SEED, Journal, markdown

PRESETS = tuple(f"cifar10-128-8-k{kind}" for kind in ("5", "5-p4", "3", "9"))
PICTURES, CONTROLS = 300, 10
SWEPT = ("shift", "shift:unit=patch", "blur", "noise")
WAYS = {  # whether the square, and its place, are those that evidence proposes
    "evidence": (True, True),
    "random square and place": (False, False),
    "evidence's square, random place": (True, False),
    "random square, evidence's place": (False, True),
}
Counts = dict[str, int]


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's tables."""
    pictures = sample(test, out)
    for edit in SWEPT:
        yield by_amount(edit, curve(bench, preset, pictures, edit, out))
    yield by_way(pasted(bench, preset, pictures, Journal(out / f"pasted-{preset}.jsonl")))


def sample(test: Path, out: Path) -> Drawn:
    """The pictures, whose index is kept beside the results."""
    *_, step = folders.read(test.name, test, out / "indices")
    assert step.partial is not None
    return Drawn(step.partial, min(PICTURES, len(step.partial)), SEED)


def curve(bench: Workbench, preset: str, pictures: Drawn, edit: str, out: Path) -> Effect:
    """An effect over an amount; one that was measured before is read."""
    asked = {"preset": preset, "picture_edits": [edit], "sweep": "amount", "seeds": 0}
    request = bench.request(EFFECT, pictures, **asked)
    folder = out / f"picture-edits-{preset}-{re.sub('[:=]', '-', edit)}"
    if folder.is_dir():
        kept = bench.load(folder, EFFECT)
        if bench.answers(kept, request):
            return kept
    result = bench.finish(request)
    bench.save(result, folder)
    return result


def by_amount(edit: str, result: Effect) -> str:
    """A row an amount."""
    head = [edit, "right", "accuracy", "95 % interval", "lost, won", "p"]
    before = f"{result.base_right / result.pictures:.1%}"
    unedited = ["none", f"{result.base_right}", before, "", "", ""]
    amounts = enumerate(result.points)
    return markdown([head, unedited, *(row(name, result, i) for i, name in amounts)])


# pasted regions


@dataclass(frozen=True, slots=True)
class Proposal:
    """What evidence says of a picture."""

    first: int  # class
    corner: int  # of the square that speaks most for it
    grid: int


def givers(labels: NDArray[np.int64], seed: int = SEED) -> NDArray[np.int64]:
    """(n,) For each picture the number of another one with another label."""
    generator = np.random.default_rng(seed)
    return np.array([generator.choice(np.flatnonzero(labels != own)) for own in labels])


def pasted(bench: Workbench, preset: str, pictures: Drawn, journal: Journal) -> dict[str, Counts]:
    """By way: pictures, changed answers, answers that are the giver's; kept in a journal."""
    key = {"data": pictures.identity, "controls": CONTROLS}
    if (line := journal.find(**key)) is not None:
        return dict(line["counts"])
    images = list(pictures)
    proposals = [propose(bench, preset, image) for image in images]
    donors = givers(pictures.labels(bench.models.class_names(preset)))
    counts: dict[str, Counts] = {}
    for name, way in WAYS.items():
        counts[name] = {"pictures": 0, "changed": 0, "taken": 0}
        for seed in range(1 if all(way) else CONTROLS):
            draw = np.random.default_rng((SEED, seed))
            made = [
                paste(images[i], images[donor], (proposals[i], proposals[donor]), way, draw)
                for i, donor in enumerate(donors)
            ]
            now = bench.run(PREDICTION, made, preset=preset, top=1).top[:, 0]
            count(counts[name], now, proposals, donors)
    return dict(journal.add(key | {"counts": counts})["counts"])


def propose(bench: Workbench, preset: str, image: Picture) -> Proposal:
    """The first class, and the square of a quarter of the grid's side with most evidence for it."""
    why = bench.run(EVIDENCE, [image], preset=preset)
    grid = why.exact.shape[0]
    return Proposal(why.target, why.strongest(side(grid), side(grid)), grid)


def side(grid: int) -> int:
    """Tokens a side of what is pasted."""
    return max(1, grid // 4)


def paste(
    image: Picture,
    donor: Picture,
    proposals: tuple[Proposal, Proposal],
    way: tuple[bool, bool],
    draw: np.random.Generator,
) -> Picture:
    """The picture with a square of the giver, each where evidence proposes or where a seed says."""
    own, theirs = proposals
    corner = theirs.corner if way[0] else anywhere(theirs.grid, draw)
    at = own.corner if way[1] else anywhere(own.grid, draw)
    edit = Paste(from_=donor.name, tokens=square(corner, own.grid), at=at, grid=own.grid)
    return edited(image, [edit], lambda name: donor)


def anywhere(grid: int, draw: np.random.Generator) -> int:
    """The corner of a square that fits."""
    row, column = draw.integers(grid - side(grid) + 1, size=2)
    return int(row * grid + column)


def square(corner: int, grid: int) -> tuple[int, ...]:
    """Its tokens."""
    steps = range(side(grid))
    return tuple(corner + down * grid + right for down in steps for right in steps)


def count(
    counts: Counts,
    now: NDArray[np.int64],
    proposals: Sequence[Proposal],
    donors: NDArray[np.int64],
) -> None:
    """Add up changed answers, and those that are the giver's and weren't before."""
    first = np.array([proposal.first for proposal in proposals])
    counts["pictures"] += len(now)
    counts["changed"] += int((now != first).sum())
    counts["taken"] += int(((now != first) & (now == first[donors])).sum())


def by_way(counts: dict[str, Counts]) -> str:
    """A row a way of choosing square and place."""
    rows = [["pasted by", "pictures", "answer changed", "95 % interval", "is the giver's"]]
    for name, each in counts.items():
        low, high = wilson(each["changed"], each["pictures"])
        rows.append(
            [
                name,
                f"{each['pictures']:,}",
                f"{each['changed'] / each['pictures']:.1%}",
                f"{low:.1%} to {high:.1%}",
                f"{each['taken'] / each['pictures']:.1%}",
            ]
        )
    return markdown(rows)
