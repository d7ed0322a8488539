"""convmixer-viz models verify: is a preset's file the real one? Four checks, a row each."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from convmixer_viz.commands import console
from convmixer_viz.errors import WeightsError
from convmixer_viz.pictures import decode
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.presets import log as training_log, table
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import hub, locate, user_folder

if TYPE_CHECKING:
    from convmixer_viz.model.convmixer import ConvMixer

PHOTOGRAPHS = ("cat", "astronaut", "coffee", "rocket", "camera")
CATS = ("cat", "tabby", "tiger cat", "Egyptian cat")  # by a data set or another
MOST_APART = 1e-9  # of the largest logit, in float64


class Check(NamedTuple):
    """One question to a file, its answer, and whether it is the right one; none: can't be told."""

    check: str
    answer: str
    holds: bool | None


def register(actions: Any) -> None:
    """Add the action to `models`."""
    summary = "check a preset's file: sha256, parameters, logits against timm's, a cat"
    verify = actions.add_parser("verify", help=summary, description=summary)
    verify.add_argument("name", metavar="NAME")
    verify.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print what was checked; a WeightsError where something doesn't hold."""
    preset = table.find(arguments.name, locate.all_presets())
    locate.require_file(preset)
    rows, progress = [], console.ProgressLine()
    for check in checks(preset):
        progress.show(f"verify {preset.name}: {check.check}")
        rows.append(check)
    progress.clear()
    verdicts = {True: "holds", False: "DOESN'T HOLD", None: "can't be told"}
    print(console.as_table([row._asdict() | {"holds": verdicts[row.holds]} for row in rows]))
    wrong = [row.check for row in rows if row.holds is False]
    if wrong:
        raise WeightsError(f"{preset.name} isn't what it should be: {', '.join(wrong)}.")


def checks(preset: Preset) -> Iterator[Check]:
    """Each as soon as it is made."""
    yield _digest(preset)
    from convmixer_viz.workbench import Workbench  # not before: torch takes seconds

    with closing(Workbench("cpu")) as bench:
        module = bench.models.module(preset)
        count = sum(parameter.numel() for parameter in module.parameters())
        yield Check("parameters", f"{count:,}", count == preset.parameters)
        yield _against_timm(preset, module)
        photographs = [f"gallery:{name}" for name in PHOTOGRAPHS]
        seen = bench.run("prediction", photographs, preset=preset.name, top=1).rows()
    named = [
        f"{name} {row['class']} ({row['probability']:.0%})"
        for name, row in zip(PHOTOGRAPHS, seen, strict=True)
    ]
    knows_cats = set(CATS) & set(locate.class_names(preset))
    cat = seen[0]["class"] in CATS if knows_cats else None
    yield Check("a cat, and others", ", ".join(named), cat)


def _digest(preset: Preset) -> Check:
    """The file's sha256 against what was published, or written down when it was counted."""
    location = locate.location(preset)
    actual, promised = location.sha256, None
    if location.kind == "shipped":
        promised = _counted(preset)
    elif location.kind == "fetched" and (pointer := hub.cached_file(preset)):
        promised = hub.promised_sha256(pointer)
    elif location.kind == "added" and preset.published:
        entry, theirs = user_folder.entries()[preset.name], preset.published.openmmlab_file
        actual = entry.origin_sha256
        if entry.origin == theirs:  # its name ends in the beginning of its sha256
            promised = Path(theirs).stem.rsplit("-", 1)[1]
    holds = None if promised is None else actual.startswith(promised)
    return Check("sha256", f"{actual[:16]}… ({location.kind})", holds)


def _counted(preset: Preset) -> str | None:
    """The sha256 of the file whose accuracy the training log tells."""
    file = locate.companion_file(preset, ".json")
    log = training_log.read(file) if file else None
    return log.measured.weights_sha256 if log and log.measured else None


def _against_timm(preset: Preset, module: ConvMixer) -> Check:
    """Logits of the photographs, prepared, beside timm's own module with the same tensors."""
    title, shape = "logits against timm's", preset.shape
    if shape.without_residual:
        return Check(title, "timm's always has a residual", None)
    try:
        from timm.models.convmixer import ConvMixer as Peer
    except ImportError:
        return Check(title, "timm isn't installed: pip install timm", None)
    import torch

    from convmixer_viz.model.convmixer import ACTIVATIONS

    peer = Peer(
        shape.dim,
        shape.depth,
        shape.kernel_size,
        shape.patch_size,
        num_classes=preset.class_count,
        act_layer=ACTIVATIONS[shape.activation],
    )
    peer.load_state_dict(module.state_dict())
    ours, theirs = module.double().freeze(), peer.double().eval()
    apart = 0.0
    with torch.no_grad():
        for name in PHOTOGRAPHS:
            picture = prepare(decode.load(f"gallery:{name}"), preset.transform)
            pixels = torch.from_numpy(picture.array)[None].double()
            answer, other = ours(pixels), theirs(pixels)
            apart = max(apart, float((answer - other).abs().max() / other.abs().max()))
    return Check(title, f"at most {apart:.1e} of the largest apart (float64)", apart <= MOST_APART)
