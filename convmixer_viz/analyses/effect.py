"""What edits of a model change over many pictures, beside random and shuffled kernels' changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.edits import Edit, Epoch, in_words
from convmixer_viz.questions.effect import CONTROLS, Effect, Options, Point, models, points
from convmixer_viz.weights import history

Edits = tuple[Edit, ...]
Counts = dict[str, NDArray[Any]]
NONE: Edits = ()


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Effect]]:
    """One step a call of a model, the unedited one first; partial results have the points that are
    done. What an earlier process has counted is not counted again."""
    chosen = points(model.edits, options.sweep, model.preset.shape, _epochs(model))
    controls = tuple(CONTROLS) if options.seeds and model.edits else ()
    tried = models(chosen, options.seeds)
    counted = {edits: counts for edits in tried if (counts := model.finished.get(_part(edits)))}
    batch_size = model.batch_size(images[0].array.shape[-1])
    starts = range(0, len(images), batch_size)
    missing = [edits for edits in tried if edits not in counted]
    done, total = 0, max(1, len(missing) * len(starts))
    partial: Effect | None = None
    for edits in missing:
        one, logits = model if edits == model.edits else model.edited(edits), []
        for start in starts:
            if done:
                yield Step(done, total, partial)
            part = images[start : start + batch_size]
            logits.append(one.logits(one.tensor(part)).cpu().numpy())
            done += 1
        counted[edits] = _count(counted.get(NONE), np.concatenate(logits), _labels(model, images))
        model.finished.put(_part(edits), counted[edits])
        partial = _effect(model, chosen, controls, counted, options)
    yield Step(total, total, _effect(model, chosen, controls, counted, options))


def estimate(work: Workload) -> int:
    """One call; the logits of two models, in float64 while they are compared; two models."""
    logits = work.pictures * work.class_count * (2 * work.itemsize + 6 * DOUBLE)
    modules = 2 * work.itemsize * work.shape.parameters(work.class_count)
    return work.prepared + work.forward() + logits + modules


def _epochs(model: LoadedModel) -> list[int]:
    """Of the history, where the last edit goes back to one."""
    if not model.edits or not isinstance(model.edits[-1], Epoch):
        return []
    return history.read(model.preset)["epochs"].tolist()  # type: ignore[no-any-return]


def _part(edits: Edits) -> str:
    return " ".join(in_words(edits))


def _labels(
    model: LoadedModel, images: Sequence[PreparedPicture]
) -> NDArray[np.int64] | None:  # (n,)
    labelled = getattr(images, "labelled", False)
    return images.labels(model.class_names) if labelled else None  # type: ignore[attr-defined]


def _count(
    base: Counts | None, logits: NDArray[np.float32], labels: NDArray[np.int64] | None
) -> Counts:
    """A model's counts against the unedited one's, whose own part has its logits; by reference
    class where an array is (classes,)."""
    before = logits if base is None else base["logits"]
    first, first_before = logits.argmax(1), before.argmax(1)
    reference = first_before if labels is None else labels
    right, right_before = first == reference, first_before == reference
    rows = np.arange(len(logits))
    change = logits[rows, reference].astype(np.float64) - before[rows, reference]
    divergence = agreement.divergence(agreement.softmax(before), agreement.softmax(logits))

    def by_class(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(reference, values, logits.shape[1]).astype(np.float64, copy=False)

    counts = {
        "pictures": by_class(np.ones(len(logits))).astype(np.int64),
        "right": by_class(right).astype(np.int64),
        "lost": np.array((right_before & ~right).sum()),
        "won": np.array((right & ~right_before).sum()),
        "unchanged": np.array((first == first_before).sum()),
        "divergence": np.array(divergence.mean()),
        "change": by_class(change),
        "change_error": np.array(change.std(ddof=min(1, len(change) - 1)) / np.sqrt(len(change))),
        "labelled": np.array(labels is not None),
    }
    return counts if base is not None else counts | {"logits": logits}


def _effect(
    model: LoadedModel,
    chosen: Sequence[Point],
    controls: Sequence[str],
    counted: dict[Edits, Counts],
    options: Options,
) -> Effect | None:
    """The points whose models are all counted, in order; none before the first of them is."""
    base, seeds = counted[NONE], range(options.seeds if controls else 0)
    whole = [p for p in chosen if all(e in counted for e in models([p], options.seeds))]
    if not whole:
        return None
    each = [counted[point.edits] for point in whole]
    drawn = [
        [[counted[point.control(name, seed)] for seed in seeds] for point in whole]
        for name in controls
    ]
    pictures = int(base["pictures"].sum())

    def over_points(name: str) -> NDArray[Any]:
        return np.array([counts[name].sum() for counts in each])

    def over_controls(name: str) -> NDArray[Any]:
        values = [[[c[name].sum() for c in point] for point in points] for points in drawn]
        return np.array(values).reshape(len(controls), len(whole), len(seeds))

    changes = np.array([counts["change"] for counts in each])
    return Effect(
        sweep=options.sweep,
        points=tuple(point.label for point in whole),
        edits=tuple(_part(point.edits) for point in whole),
        at=np.array([point.at for point in whole], np.float64),
        pictures=pictures,
        labelled=bool(base["labelled"]),
        classes=model.class_names,
        base_right=int(base["right"].sum()),
        right=over_points("right"),
        lost=over_points("lost"),
        won=over_points("won"),
        unchanged=over_points("unchanged"),
        divergence=over_points("divergence"),
        logit_change=over_points("change") / pictures,
        logit_change_error=over_points("change_error"),
        class_pictures=base["pictures"],
        class_base_right=base["right"],
        class_right=np.array([counts["right"] for counts in each]),
        class_logit_change=changes / np.maximum(base["pictures"], 1),
        control_names=tuple(controls),
        control_right=over_controls("right").astype(np.int64),
        control_unchanged=over_controls("unchanged").astype(np.int64),
        control_divergence=over_controls("divergence").astype(np.float64),
        control_logit_change=over_controls("change").astype(np.float64) / pictures,
    )
