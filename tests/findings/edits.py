"""What the depthwise kernels can be replaced by: accuracy after edits of the trained model.

Protocol: analysis `effect`, 2,000 test pictures drawn by seed 0, nothing retrained. Every kernel is
changed, or those that the templates name a class for, or the others; then one block's branch at a
time is off; then all kernels share a number of cluster centres (seed 0). Intervals are Wilson's,
95 %. Beside them the controls, ten seeds each: random kernels of the same mean and norm, the
block's own kernels dealt out anew, and, beside the eight master filters, eight of independent
normal weights; their mean and range. Each change once more with batch norm measured anew: over 512
training pictures by seed 0. One training run a preset: nothing here goes beyond these runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from convmixer_viz import EFFECT, Effect, Workbench
from convmixer_viz.pictures import folders
from convmixer_viz.pictures.folders import Drawn
from tests.findings.samples import SEED, markdown

PRESETS = tuple(f"cifar10-128-8-k{kind}" for kind in ("5", "3", "9", "5-relu", "5-plain", "5-p4"))
PICTURES, CONTROLS = 2000, 10
CHANGES = {  # of every kernel, but where a class is named
    "template": "the nearest template",
    "template:kernels=classified": "… only those with a class",
    "template:kernels=other": "… only the others",
    "template:bank=master": "the nearest of eight master filters",
    "low-rank": "the best matrix of rank 1",
    "mean": "its mean, a box",
}
EIGHT = "template:bank=random:clusters=8:seed={}"


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's tables."""
    pictures = sample(test, out)
    measured = partial(effect, bench, preset, pictures, out)
    anew = f"recalibrate:data={test.parent.name}/train"
    changes = {edit: measured(edit, seeds=CONTROLS * (edit == "template")) for edit in CHANGES}
    eight = [measured(EIGHT.format(seed)) for seed in range(CONTROLS)]
    recalibrated = {edit: measured(edit, anew) for edit in CHANGES}
    yield by_change(changes, eight, {"": measured(anew), **recalibrated})
    yield by_point(measured("off", sweep="block"))
    yield by_point(measured("template:bank=clusters", sweep="number"))


def sample(test: Path, out: Path) -> Drawn:
    """The pictures, whose index is kept beside the results."""
    *_, step = folders.read(test.name, test, out / "indices")
    assert step.partial is not None
    return Drawn(step.partial, PICTURES, SEED)


def effect(
    bench: Workbench,
    preset: str,
    pictures: Drawn,
    out: Path,
    *edits: str,
    sweep: str = "none",
    seeds: int = 0,
) -> Effect:
    """An effect; one that was measured before is read."""
    asked = {"preset": preset, "edits": edits, "sweep": sweep, "seeds": seeds}
    request = bench.request(EFFECT, pictures, **asked)
    written = re.sub("[:/]", "-", "-".join(edits))
    folder = out / f"edits-{preset}-{written}-{sweep}"
    if folder.is_dir():
        kept = bench.load(folder, EFFECT)
        if bench.answers(kept, request):
            return kept
    result = bench.finish(request)
    bench.save(result, folder)
    return result


def by_change(
    changes: dict[str, Effect], eight: Sequence[Effect], recalibrated: dict[str, Effect]
) -> str:
    """A row a change, then the controls; in the last column the same with batch norm anew."""
    first, *_ = changes.values()
    rows = [["change", "right", "accuracy", "95 % interval", "lost, won", "p", "recalibrated"]]
    before, anew = first.base_right, {e: f"{r.accuracy[0]:.1%}" for e, r in recalibrated.items()}
    rows.append(["none", f"{before}", f"{before / first.pictures:.1%}", "", "", "", anew[""]])
    rows += [[*row(CHANGES[edit], result, 0), anew[edit]] for edit, result in changes.items()]
    controls = dict(zip(first.control_names, first.control_right[:, 0], strict=True))
    controls["eight random filters"] = np.array([result.right[0] for result in eight])
    for name, right in controls.items():
        shares = right / first.pictures
        span = f"{shares.min():.1%} to {shares.max():.1%} over {len(shares)} seeds"
        rows.append([f"control: {name}", "", f"{shares.mean():.1%}", span, "", "", ""])
    return markdown(rows)


def by_point(result: Effect) -> str:
    """A row a point of a sweep."""
    head = [result.edits[0].split(":")[0], "right", "accuracy", "95 % interval", "lost, won", "p"]
    return markdown([head, *(row(name, result, i) for i, name in enumerate(result.points))])


def row(name: str, result: Effect, point: int) -> list[str]:
    """One point's counts, interval and test against the unedited model."""
    low, high = result.interval(point)
    return [
        name,
        f"{result.right[point]}",
        f"{result.accuracy[point]:.1%}",
        f"{low:.1%} to {high:.1%}",
        f"{result.lost[point]}, {result.won[point]}",
        result.p_in_words(point).removeprefix("= "),
    ]
