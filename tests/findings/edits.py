"""What the depthwise kernels can be replaced by: accuracy after edits of the trained model.

Protocol: analysis `effect`, 2,000 test pictures drawn by seed 0, nothing retrained, nothing
recalibrated. Every kernel is changed, or those that the templates name a class for, or the others;
then one block's branch at a time is off; then all kernels share a number of cluster centres (seed
0). Intervals are Wilson's, 95 %. Beside them the controls, ten seeds each: random kernels of the
same mean and norm, and the block's own kernels dealt out anew; their mean and range. One training
run a preset: nothing here goes beyond these runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """A preset's tables."""
    pictures = sample(test, out)
    changes = {
        edit: effect(bench, preset, pictures, edit, out, seeds=CONTROLS * (edit == "template"))
        for edit in CHANGES
    }
    yield by_change(changes)
    yield by_point(effect(bench, preset, pictures, "off", out, sweep="block"))
    yield by_point(effect(bench, preset, pictures, "template:bank=clusters", out, sweep="number"))


def sample(test: Path, out: Path) -> Drawn:
    """The pictures, whose index is kept beside the results."""
    *_, step = folders.read(test.name, test, out / "indices")
    assert step.partial is not None
    return Drawn(step.partial, PICTURES, SEED)


def effect(
    bench: Workbench,
    preset: str,
    pictures: Drawn,
    edit: str,
    out: Path,
    *,
    sweep: str = "none",
    seeds: int = 0,
) -> Effect:
    """An effect; one that was measured before is read."""
    asked = {"preset": preset, "edits": [edit], "sweep": sweep, "seeds": seeds}
    request = bench.request(EFFECT, pictures, **asked)
    folder = out / f"edits-{preset}-{edit.replace(':', '-')}-{sweep}"
    if folder.is_dir():
        kept = bench.load(folder, EFFECT)
        if bench.answers(kept, request):
            return kept
    result = bench.finish(request)
    bench.save(result, folder)
    return result


def by_change(changes: dict[str, Effect]) -> str:
    """A row a change, then the controls."""
    first, *_ = changes.values()
    rows = [["change", "right", "accuracy", "95 % interval", "lost, won", "p"]]
    before = first.base_right
    rows.append(["none", f"{before}", f"{before / first.pictures:.1%}", "", "", ""])
    rows += [row(CHANGES[edit], result, 0) for edit, result in changes.items()]
    for name, right in zip(first.control_names, first.control_right[:, 0], strict=True):
        shares = right / first.pictures
        span = f"{shares.min():.1%} to {shares.max():.1%} over {len(shares)} seeds"
        rows.append([f"control: {name}", "", f"{shares.mean():.1%}", span, "", ""])
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
